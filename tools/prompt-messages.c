/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SUBSCRIBE and its kin at the prompt. A pub/sub client, which reconnects by itself, has the subscriptions; its messages
 * appear above the line that is edited, those that come together in one go. */

#include "prompt.h"

#include <string.h>

/* So many bytes of messages are printed at once at the most. */
#define BATCH_BYTES 65536

typedef enum
{
  VERB_SUBSCRIBE,
  VERB_UNSUBSCRIBE,
} Verb;

static const struct
{
  const char *name;
  const char *noun;
  Verb verb;
  TornadisSubscriptionKind kind;
} commands[] = {
  { "SUBSCRIBE", "channel", VERB_SUBSCRIBE, TORNADIS_SUBSCRIPTION_KIND_CHANNEL },
  { "PSUBSCRIBE", "pattern", VERB_SUBSCRIBE, TORNADIS_SUBSCRIPTION_KIND_PATTERN },
  { "SSUBSCRIBE", "shard channel", VERB_SUBSCRIBE, TORNADIS_SUBSCRIPTION_KIND_SHARD },
  { "UNSUBSCRIBE", "channel", VERB_UNSUBSCRIBE, TORNADIS_SUBSCRIPTION_KIND_CHANNEL },
  { "PUNSUBSCRIBE", "pattern", VERB_UNSUBSCRIBE, TORNADIS_SUBSCRIPTION_KIND_PATTERN },
  { "SUNSUBSCRIBE", "shard channel", VERB_UNSUBSCRIBE, TORNADIS_SUBSCRIPTION_KIND_SHARD },
};

static PromptMessagesMakeFunc make_func;
static gpointer make_data;
static TornadisPubSubClient *client; /* (owned) (nullable) */
static GString *batch;               /* (owned) (nullable): messages to be printed */
static guint batch_source;
static gboolean popping;
static gboolean silent;           /* that there are no messages for now is said */
static ToolFormat message_format; /* TOOL_FORMAT_LINE: for people */
static guint n_subscribed;        /* names, as the server counts them */

/* What is run. */
static guint current; /* index in @commands */
static guint n_confirmed; /* names that the server has added or removed */
static gboolean running;
static GSourceOnceFunc done_func;
static gpointer done_data;

void
prompt_messages_set_make_func (PromptMessagesMakeFunc make,
                               gpointer user_data)
{
  make_func = make;
  make_data = user_data;
}

void
prompt_messages_set_format (ToolFormat format)
{
  message_format = format;
}

static gssize
find_command (GBytes *word)
{
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    if (prompt_word_is (word, commands[i].name))
      return i;

  return -1;
}

/* Whether these words are for this file. */
gboolean
prompt_messages_take_command (GPtrArray *words)
{
  return find_command (g_ptr_array_index (words, 0)) >= 0;
}

/* As “tornadis subscribe” has it. */
static void
append_formatted (TornadisMessage *message)
{
  g_autoptr (GString) line = g_string_new (NULL);

  tool_message_append (line, message, message_format);
  tool_line_append_shown (batch, line->str, line->len, message_format == TOOL_FORMAT_JSON);
  g_string_append_c (batch, '\n');
}

static void
append_message (TornadisMessage *message)
{
  g_autoptr (GBytes) channel = tornadis_message_get_channel_bytes (message);
  const char *pattern = tornadis_message_get_pattern (message);
  g_autoptr (GString) head = g_string_new ("[");
  gsize length;
  const char *data = g_bytes_get_data (channel, &length);

  tool_line_append (head, data, length);
  if (pattern != NULL)
    {
      g_autofree char *arrow = tool_text_localize (" ← ");

      g_string_append (head, arrow);
      tool_line_append (head, pattern, strlen (pattern));
    }
  g_string_append_c (head, ']');

  prompt_print_append (batch, PROMPT_STYLE_CHANNEL, head->str, head->len);
  g_string_append_c (batch, ' ');
  tool_message_append_payload (batch, message, TOOL_FORMAT_LINE);
  g_string_append_c (batch, '\n');
}

static gboolean
print_batch_cb (gpointer user_data)
{
  g_autoptr (GString) text = g_steal_pointer (&batch);

  batch_source = 0;
  prompt_print_text (text->str);
  prompt_messages_resume ();

  return G_SOURCE_REMOVE;
}

/* What is printed in the next iteration: what has come with it is there by then. */
static GString *
begin_batch (void)
{
  if (batch == NULL)
    {
      batch = g_string_new (NULL);
      batch_source = g_idle_add (print_batch_cb, NULL);
    }

  return batch;
}

/* Prints which keys the server has told to have changed, in the way of messages; of all of them without a list. */
void
prompt_messages_invalidate (TornadisReply *keys)
{
  g_autoptr (GString) line = g_string_new (NULL);
  gboolean has_keys = tornadis_reply_get_kind (keys) == TORNADIS_REPLY_KIND_ARRAY;

  begin_batch ();
  if (message_format == TOOL_FORMAT_JSON || message_format == TOOL_FORMAT_CSV)
    {
      g_string_append (line, message_format == TOOL_FORMAT_JSON ? "{\"invalidate\": " : "\"invalidate\",");
      tool_reply_append (line, keys, message_format);
      if (message_format == TOOL_FORMAT_JSON)
        g_string_insert_c (line, (gssize) line->len - 1, '}');
      tool_line_append_shown (batch, line->str, line->len, message_format == TOOL_FORMAT_JSON);
      return;
    }

  prompt_print_append (batch, PROMPT_STYLE_CHANNEL, "[invalidate]", strlen ("[invalidate]"));
  for (gsize i = 0; has_keys && i < tornadis_reply_get_n_elements (keys); i++)
    {
      gsize length;
      const char *data = (const char *) tornadis_reply_get_data (tornadis_reply_get_element (keys, i), &length);

      g_string_append_c (batch, ' ');
      tool_line_append (batch, data, data != NULL ? length : 0);
    }
  g_string_append (batch, has_keys ? "\n" : " (all keys)\n");
}

static void
popped_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisMessage) message = tornadis_pub_sub_client_pop_message_finish (TORNADIS_PUB_SUB_CLIENT (object),
                                                                                    result, &error);

  if (object != (GObject *) client)
    return;

  popping = FALSE;
  /* There is no subscription any more, or the client is closed. */
  if (message == NULL)
    return;

  begin_batch ();
  if (message_format == TOOL_FORMAT_JSON || message_format == TOOL_FORMAT_CSV)
    append_formatted (message);
  else
    append_message (message);
  prompt_messages_resume ();
}

/* Takes the next message, unless those before it are not printed yet: the client keeps it, and stops reading when that
 * is too much. */
void
prompt_messages_resume (void)
{
  gboolean subscribed;

  if (client == NULL || popping || prompt_print_is_busy () || (batch != NULL && batch->len >= BATCH_BYTES))
    return;

  g_object_get (client, "subscribed", &subscribed, NULL);
  if (!subscribed)
    return;

  popping = TRUE;
  tornadis_pub_sub_client_pop_message_async (client, -1, NULL, popped_cb, NULL);
}

static void
gap_cb (void)
{
  silent = FALSE;
  prompt_print_line (PROMPT_STYLE_NOTICE, "Subscribed again; messages may be missing");
}

/* A connection that is replaced at once is spoken of when it is; the same is not said again and again. */
static void
reconnect_scheduled_cb (TornadisClient *lost,
                        guint attempt,
                        guint delay_msec,
                        GError *error)
{
  gboolean subscribed;

  g_object_get (lost, "subscribed", &subscribed, NULL);
  if (subscribed && !silent)
    prompt_print_line (PROMPT_STYLE_NOTICE, "No messages for now: %s", error->message);
  silent = TRUE;
}

static void
added_cb (TornadisPubSubClient *subscriber,
          const char *name,
          guint count)
{
  n_confirmed++;
  n_subscribed++;
}

static void
removed_cb (TornadisPubSubClient *subscriber,
            const char *name,
            guint count)
{
  n_subscribed--;
  if (running)
    n_confirmed++;
  else
    prompt_print_line (PROMPT_STYLE_NOTICE, "The server has ended the subscription to %s", name);
}

/* Ends all. Returns the number of subscriptions. */
guint
prompt_messages_close (void)
{
  guint n = n_subscribed;

  g_clear_handle_id (&batch_source, g_source_remove);
  if (batch != NULL)
    g_string_free (g_steal_pointer (&batch), TRUE);
  popping = silent = FALSE;
  n_subscribed = 0;
  if (client == NULL)
    return n;

  g_signal_handlers_disconnect_by_func (client, gap_cb, NULL);
  g_signal_handlers_disconnect_by_func (client, reconnect_scheduled_cb, NULL);
  g_signal_handlers_disconnect_by_func (client, added_cb, NULL);
  g_signal_handlers_disconnect_by_func (client, removed_cb, NULL);
  tornadis_client_close (TORNADIS_CLIENT (client));
  g_clear_object (&client);

  return n;
}

/* Says what the server has confirmed: of a name that is there already it begins nothing. */
static void
print_outcome (void)
{
  const char *noun = commands[current].noun;
  const char *plural = tool_text_choose (n_confirmed, "", "s");
  const char *plural_left = tool_text_choose (n_subscribed, "", "s");

  if (commands[current].verb == VERB_SUBSCRIBE && n_confirmed == 0)
    prompt_print_line (PROMPT_STYLE_PLAIN, "Subscribed already; %u subscription%s in all", n_subscribed, plural_left);
  else if (commands[current].verb == VERB_SUBSCRIBE && n_confirmed == n_subscribed)
    prompt_print_line (PROMPT_STYLE_PLAIN, "Subscribed to %u %s%s; messages appear above", n_confirmed, noun, plural);
  else if (commands[current].verb == VERB_SUBSCRIBE)
    prompt_print_line (PROMPT_STYLE_PLAIN, "Subscribed to %u %s%s; %u subscriptions in all; messages appear above", n_confirmed,
                       noun, plural, n_subscribed);
  else if (n_subscribed == 0)
    prompt_print_line (PROMPT_STYLE_PLAIN, "Unsubscribed from %u %s%s; none is left", n_confirmed, noun, plural);
  else
    prompt_print_line (PROMPT_STYLE_PLAIN, "Unsubscribed from %u %s%s; %u subscription%s left", n_confirmed, noun, plural,
                       n_subscribed, plural_left);
}

static void
finish (const GError *error)
{
  gboolean subscribed = FALSE;

  running = FALSE;
  if (client != NULL)
    g_object_get (client, "subscribed", &subscribed, NULL);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    prompt_print_line (PROMPT_STYLE_NOTICE, "Cancelled");
  else if (error != NULL)
    prompt_print_error (error);
  else
    print_outcome ();

  /* Its connection is not needed any more. */
  if (!subscribed)
    prompt_messages_close ();
  else
    prompt_messages_resume ();
  done_func (done_data);
}

static void
subscribed_cb (GObject *object,
               GAsyncResult *result,
               gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  tornadis_pub_sub_client_subscribe_bytes_finish (TORNADIS_PUB_SUB_CLIENT (object), result, &error);
  finish (error);
}

static void
unsubscribed_cb (GObject *object,
                 GAsyncResult *result,
                 gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  tornadis_pub_sub_client_unsubscribe_bytes_finish (TORNADIS_PUB_SUB_CLIENT (object), result, &error);
  finish (error);
}

/* Makes a change of the subscriptions, and says so before @done is called. */
void
prompt_messages_run (GPtrArray *words,
                     GCancellable *cancellable,
                     GSourceOnceFunc done,
                     gpointer user_data)
{
  gssize found = find_command (g_ptr_array_index (words, 0));
  GBytes **names = (GBytes **) words->pdata + 1;
  guint n_names = words->len - 1;

  g_return_if_fail (found >= 0);

  current = (guint) found;
  done_func = done;
  done_data = user_data;

  if (commands[current].verb == VERB_SUBSCRIBE && n_names == 0)
    {
      prompt_print_line (PROMPT_STYLE_ERROR, "Which %s?", commands[current].noun);
      done (user_data);
      return;
    }
  if (client == NULL && commands[current].verb == VERB_SUBSCRIBE)
    {
      client = make_func (make_data);
      if (client != NULL)
        {
          g_signal_connect (client, "gap", G_CALLBACK (gap_cb), NULL);
          g_signal_connect (client, "reconnect-scheduled", G_CALLBACK (reconnect_scheduled_cb), NULL);
          g_signal_connect (client, "subscription-added", G_CALLBACK (added_cb), NULL);
          g_signal_connect (client, "subscription-removed", G_CALLBACK (removed_cb), NULL);
        }
    }
  if (client == NULL)
    {
      if (commands[current].verb == VERB_UNSUBSCRIBE)
        prompt_print_line (PROMPT_STYLE_PLAIN, "There is no subscription");
      done (user_data);
      return;
    }

  running = TRUE;
  n_confirmed = 0;
  if (commands[current].verb == VERB_SUBSCRIBE)
    tornadis_pub_sub_client_subscribe_bytes_async (client, commands[current].kind, names, n_names, cancellable, subscribed_cb, NULL);
  else
    tornadis_pub_sub_client_unsubscribe_bytes_async (client, commands[current].kind, names, n_names, cancellable, unsubscribed_cb, NULL);
}
