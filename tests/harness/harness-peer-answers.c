/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a peer answers by itself. */

#include <string.h>

#include "harness/harness-peer-private.h"

#define N_SLOTS 16384

gboolean
harness_arg_is (GPtrArray *args,
                guint i,
                const char *text)
{
  GBytes *arg;

  if (i >= args->len)
    return FALSE;

  arg = g_ptr_array_index (args, i);
  return g_bytes_get_size (arg) == strlen (text) && g_ascii_strncasecmp (g_bytes_get_data (arg, NULL), text, strlen (text)) == 0;
}

GString *
harness_make_echo (GPtrArray *args)
{
  GString *answer = g_string_new (NULL);
  GBytes *last = g_ptr_array_index (args, args->len - 1);
  gsize length = g_bytes_get_size (last);

  if (harness_arg_is (args, 0, "PING"))
    g_string_append (answer, "+PONG\r\n");
  else if (harness_arg_is (args, 0, "SET") || harness_arg_is (args, 0, "READONLY") || harness_arg_is (args, 0, "ASKING"))
    g_string_append (answer, "+OK\r\n");
  else if (harness_arg_is (args, 0, "ECHO") || harness_arg_is (args, 0, "GET"))
    {
      const char *prefix = harness_arg_is (args, 0, "GET") ? "value-of-" : "";

      g_string_append_printf (answer, "$%zu\r\n%s", length + strlen (prefix), prefix);
      g_string_append_len (answer, g_bytes_get_data (last, NULL), (gssize) length);
      g_string_append (answer, "\r\n");
    }
  else
    g_string_append (answer, "-ERR unknown command\r\n");

  return answer;
}

GString *
harness_parse_text (const char *line,
                    const char **end)
{
  GString *text = g_string_new (NULL);
  const char *at = strchr (line, '"');

  g_assert (at != NULL);
  for (at++; *at != '"' && *at != '\0'; at++)
    {
      if (*at != '\\')
        {
          g_string_append_c (text, *at);
          continue;
        }

      at++;
      switch (*at)
        {
        case 'r':
          g_string_append_c (text, '\r');
          break;
        case 'n':
          g_string_append_c (text, '\n');
          break;
        case 'x':
          g_string_append_c (text, (char) (g_ascii_xdigit_value (at[1]) * 16 + g_ascii_xdigit_value (at[2])));
          at += 2;
          break;
        default:
          g_string_append_c (text, *at);
        }
    }

  if (end != NULL)
    *end = *at == '"' ? at + 1 : at;

  return text;
}

/* CRC16-CCITT, as clusters have it. */
static guint
find_slot (GBytes *key)
{
  gsize length;
  const char *begin = g_bytes_get_data (key, &length);
  const char *open = length > 0 ? memchr (begin, '{', length) : NULL;
  const char *close = open != NULL ? memchr (open, '}', length - (gsize) (open - begin)) : NULL;
  guint16 crc = 0;

  if (close != NULL && close > open + 1)
    {
      begin = open + 1;
      length = (gsize) (close - begin);
    }

  for (gsize i = 0; i < length; i++)
    {
      crc ^= (guint16) ((guint8) begin[i] << 8);
      for (guint bit = 0; bit < 8; bit++)
        crc = (guint16) (crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
    }

  return crc % N_SLOTS;
}

static void
free_texts (gpointer texts)
{
  g_queue_free_full (texts, g_free);
}

/* Takes @texts. */
static void
set_texts (TornadisHarnessPeer *self,
           const char *name,
           GQueue *texts)
{
  g_mutex_lock (&self->lock);
  if (self->answers == NULL)
    self->answers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_texts);
  g_hash_table_replace (self->answers, g_ascii_strup (name, -1), texts);
  g_mutex_unlock (&self->lock);
}

void
harness_peer_declare (TornadisHarnessPeer *self,
                      const char *line)
{
  const char *at = strchr (line, '"');
  g_autofree char *name = g_strndup (line, at != NULL ? (gsize) (at - line) : strlen (line));
  GQueue *texts = g_queue_new ();

  while (at != NULL && strchr (at, '"') != NULL)
    g_queue_push_tail (texts, g_string_free (harness_parse_text (at, &at), FALSE));

  set_texts (self, g_strstrip (name), texts);
}

/* The next of the texts; the last one stays. %NULL when the script says nothing. */
static char *
take_text (TornadisHarnessPeer *self,
           GPtrArray *args)
{
  char *text = NULL;

  g_mutex_lock (&self->lock);
  for (guint n_words = MIN (args->len, 2); n_words > 0 && text == NULL && self->answers != NULL; n_words--)
    {
      g_autoptr (GString) name = g_string_new (NULL);
      GQueue *texts;

      for (guint i = 0; i < n_words; i++)
        {
          GBytes *arg = g_ptr_array_index (args, i);

          g_string_append (name, i > 0 ? " " : "");
          g_string_append_len (name, g_bytes_get_data (arg, NULL), (gssize) g_bytes_get_size (arg));
        }
      g_string_ascii_up (name);
      texts = g_hash_table_lookup (self->answers, name->str);
      if (texts != NULL && texts->length > 0)
        text = texts->length > 1 ? g_queue_pop_head (texts) : g_strdup (texts->head->data);
    }
  g_mutex_unlock (&self->lock);

  return text;
}

GString *
harness_peer_make_answer (TornadisHarnessPeer *self,
                          GPtrArray *args)
{
  g_autofree char *text = take_text (self, args);
  GString *answer;

  if (text == NULL)
    return harness_make_echo (args);

  answer = g_string_new (text);
  {
    g_autofree char *port = g_strdup_printf ("%u", self->port);
    g_autofree char *slot = args->len > 1 ? g_strdup_printf ("%u", find_slot (g_ptr_array_index (args, 1))) : NULL;

    g_string_replace (answer, "{port}", port, 0);
    if (slot != NULL)
      g_string_replace (answer, "{slot}", slot, 0);
  }

  return answer;
}

/**
 * tornadis_harness_peer_set_answers:
 * @self: a peer
 * @name: a command, or one with its subcommand
 * @texts: (array zero-terminated=1): what `serve` sends to it, without escapes
 *
 * Does what a line `answer` of the script does, on all connections, from now on.
 */
void
tornadis_harness_peer_set_answers (TornadisHarnessPeer *self,
                                   const char *name,
                                   const char *const *texts)
{
  GQueue *queue = g_queue_new ();

  for (guint i = 0; texts[i] != NULL; i++)
    g_queue_push_tail (queue, g_strdup (texts[i]));
  set_texts (self, name, queue);
}
