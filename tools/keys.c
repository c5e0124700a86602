/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tornadis keys: which keys are the biggest, or are used most, as redis-cli --bigkeys, --memkeys and --hotkeys have it. */

#include "keys.h"

#include <string.h>
#include <unistd.h>

typedef struct
{
  TornadisClient *client; /* (owned) */
  ToolScan *scan;         /* (owned) */
  ToolOptions options;
  ToolScanOptions scan_options;
  gboolean big;
  gboolean memory;
  gboolean hot;
  gint64 max_keys; /* to look at, TOOL_NOT_GIVEN: all */

  GPtrArray *page;  /* (element-type GBytes) (owned): the keys that are looked at */
  GPtrArray *types; /* (element-type KeysType) (unowned) (nullable elements): theirs */
  gboolean is_last;
  guint64 n_scanned;
  KeysFound found;
  guint timer; /* 0: none, until the next page */
  ToolStatus status;
  gboolean done;
} Keys;

static void
keys_fail (Keys *self,
           const GError *error)
{
  g_autofree char *text = tool_options_describe_error (&self->options, error);

  tool_print_error ("%s", text);
  self->status = TOOL_FAILED;
  self->done = TRUE;
}

static gboolean
timer_cb (gpointer user_data)
{
  Keys *self = user_data;

  self->timer = 0;
  tool_scan_next (self->scan);

  return G_SOURCE_REMOVE;
}

static void
keys_page_done (Keys *self)
{
  g_ptr_array_set_size (self->page, 0);
  g_ptr_array_set_size (self->types, 0);

  if (self->is_last)
    self->done = TRUE;
  else
    self->timer = g_timeout_add ((guint) (self->options.interval * 1000), timer_cb, self);
}

/* Sends what @make gives for each key of the page. */
static void
keys_ask (Keys *self,
          TornadisCommand *(*make) (Keys *self,
                                    guint i),
          TornadisReplyFunc func)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();

  for (guint i = 0; i < self->page->len; i++)
    {
      g_autoptr (TornadisCommand) command = make (self, i);

      tornadis_command_append_bytes (command, g_ptr_array_index (self->page, i));
      tornadis_pipeline_stack_command (pipeline, command);
    }

  tornadis_client_submit_pipeline (self->client, pipeline, func, self, NULL);
}

static TornadisCommand *
make_type_command (Keys *self,
                   guint i)
{
  return tornadis_command_new ("TYPE");
}

static TornadisCommand *
make_size_command (Keys *self,
                   guint i)
{
  const KeysType *type = g_ptr_array_index (self->types, i);

  if (self->hot)
    return tornadis_command_new_strv ((const char *[]) { "OBJECT", "FREQ", NULL });
  if (self->memory)
    return tornadis_command_new_strv ((const char *[]) { "MEMORY", "USAGE", NULL });

  /* A type of which nobody knows how big it is counts. */
  return tornadis_command_new (type->command != NULL ? type->command : "EXISTS");
}

/* A key may be another one, or none, since it was asked for: it is passed over, while other errors end it all. */
static gboolean
keys_take_size (Keys *self,
                guint i,
                TornadisReply *reply)
{
  g_autoptr (GError) error = tornadis_reply_dup_error (reply);
  KeysType *type = g_ptr_array_index (self->types, i);

  if (error != NULL && !g_str_has_prefix (error->message, "WRONGTYPE") && strstr (error->message, "no such key") == NULL)
    {
      keys_fail (self, error);
      return FALSE;
    }

  if (error == NULL && tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_INTEGER)
    keys_found_add (&self->found, self->hot ? NULL : type, g_ptr_array_index (self->page, i),
                    self->big && type->command == NULL ? 0 : tornadis_reply_get_integer (reply));

  return TRUE;
}

static void
measured_cb (TornadisClient *client,
             TornadisReply *reply,
             GError *error,
             gpointer user_data)
{
  Keys *self = user_data;

  if (self->done)
    return;
  if (error != NULL)
    {
      keys_fail (self, error);
      return;
    }

  for (guint i = 0; i < self->page->len; i++)
    if (!keys_take_size (self, i, tornadis_reply_get_element (reply, i)))
      return;
  keys_page_done (self);
}

static void
typed_cb (TornadisClient *client,
          TornadisReply *reply,
          GError *error,
          gpointer user_data)
{
  Keys *self = user_data;

  if (self->done)
    return;
  if (error != NULL)
    {
      keys_fail (self, error);
      return;
    }

  /* From behind, so that what is removed moves nothing. */
  for (guint i = self->page->len; i > 0; i--)
    {
      TornadisReply *element = tornadis_reply_get_element (reply, i - 1);
      const char *name = tornadis_reply_get_text (element);
      g_autoptr (GError) problem = tornadis_reply_dup_error (element);

      if (problem != NULL)
        {
          keys_fail (self, problem);
          return;
        }
      if (name == NULL || strcmp (name, "none") == 0)
        g_ptr_array_remove_index (self->page, i - 1);
      else
        g_ptr_array_insert (self->types, 0, keys_found_get_type (&self->found, name));
    }

  if (self->page->len > 0)
    keys_ask (self, make_size_command, measured_cb);
  else
    keys_page_done (self);
}

static void
scanned_cb (TornadisReply *keys,
            gboolean is_last,
            const GError *error,
            gpointer user_data)
{
  Keys *self = user_data;

  if (self->done)
    return;
  if (error != NULL)
    {
      keys_fail (self, error);
      return;
    }

  self->is_last = is_last;
  for (gsize i = 0; i < tornadis_reply_get_n_elements (keys); i++)
    {
      GBytes *key = tornadis_reply_get_bytes (tornadis_reply_get_element (keys, i));

      if (key != NULL)
        g_ptr_array_add (self->page, key);
      if ((gint64) ++self->n_scanned == self->max_keys)
        {
          self->is_last = TRUE;
          break;
        }
    }

  if (self->page->len == 0)
    {
      keys_page_done (self);
    }
  else if (self->hot)
    {
      g_ptr_array_set_size (self->types, (int) self->page->len);
      keys_ask (self, make_size_command, measured_cb);
    }
  else
    {
      keys_ask (self, make_type_command, typed_cb);
    }
}

static void
counted_cb (TornadisClient *client,
            TornadisReply *reply,
            GError *error,
            gpointer user_data)
{
  Keys *self = user_data;

  if (self->done)
    return;
  if (error != NULL)
    {
      keys_fail (self, error);
      return;
    }

  self->found.n_all = tornadis_reply_get_integer (reply);
  tool_scan_next (self->scan);
}

/* How many there will be is known unless the server chooses. */
static char *
keys_describe_progress (gpointer user_data)
{
  Keys *self = user_data;
  gint64 n = self->max_keys != TOOL_NOT_GIVEN ? MIN (self->max_keys, self->found.n_all) : self->found.n_all;
  g_autofree char *bar = NULL;

  if (self->scan_options.pattern != NULL || self->scan_options.type != NULL || n == 0)
    return g_strdup_printf ("%" G_GUINT64_FORMAT " %s", self->n_scanned, tool_text_choose (self->n_scanned, "key", "keys"));

  bar = tool_progress_draw_bar ((double) self->n_scanned / (double) n);
  return g_strdup_printf ("%s  %" G_GUINT64_FORMAT " of %" G_GINT64_FORMAT " %s", bar, self->n_scanned, n,
                          tool_text_choose ((guint64) n, "key", "keys"));
}

static void
ended_cb (gpointer user_data)
{
  ((Keys *) user_data)->done = TRUE;
}

static gboolean
keys_check (Keys *self)
{
  if (self->options.arguments != NULL)
    tool_print_usage_error ("keys takes no argument; keys are chosen by --pattern");
  else if (self->big + self->memory + self->hot != 1)
    tool_print_usage_error ("One of --big, --memory and --hot");
  else
    return tool_options_check_count (self->max_keys, "The sample is a number of keys from 1") &&
           tool_scan_options_check (&self->scan_options);

  return FALSE;
}

static void
keys_clear (Keys *self)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_pointer (&self->scan, tool_scan_free);
  g_clear_object (&self->client);
  g_ptr_array_unref (self->page);
  g_ptr_array_unref (self->types);
  keys_found_clear (&self->found);
  tool_scan_options_clear (&self->scan_options);
  tool_options_clear (&self->options);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Keys, keys_clear)

int
tool_keys (char **argv)
{
  g_auto (Keys) self = {
    .page = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref),
    .types = g_ptr_array_new (),
    .max_keys = TOOL_NOT_GIVEN,
    .scan_options = { .count = TOOL_NOT_GIVEN },
  };
  g_autoptr (TornadisCommand) command = tornadis_command_new ("DBSIZE");
  const GOptionEntry entries[] = {
    { "big", 0, 0, G_OPTION_ARG_NONE, &self.big, "Which have the most elements, or bytes", NULL },
    { "memory", 0, 0, G_OPTION_ARG_NONE, &self.memory, "Which need the most memory", NULL },
    { "hot", 0, 0, G_OPTION_ARG_NONE, &self.hot, "Which are used most; the server needs an LFU policy", NULL },
    { "sample", 0, 0, G_OPTION_ARG_INT64, &self.max_keys, "End after so many keys", "N" },
    TOOL_SCAN_ENTRIES (&self.scan_options),
    G_OPTION_ENTRY_NULL,
  };

  if (!tool_options_parse (&self.options, argv, TOOL_PARSE_INTERVAL, NULL,
                           "Looks at all keys, without holding up the server, and prints the biggest one of each type and sums, or\n"
                           "the 16 that are used most. --interval is the time between two pages. Ctrl+C ends it with what it has.",
                           entries) ||
      !keys_check (&self))
    return TOOL_USAGE;

  self.client = tool_options_make_client (&self.options, TORNADIS_TYPE_CLIENT);
  if (self.client == NULL)
    return TOOL_USAGE;

  keys_found_init (&self.found, self.hot ? KEYS_HOT : self.memory ? KEYS_MEMORY : KEYS_BIG);
  self.scan = tool_scan_new (self.client, &self.scan_options, scanned_cb, &self);
  tool_connecting_watch (self.client);
  tool_output_watch ();
  tool_signals_watch (ended_cb, &self);
  tool_progress_start (keys_describe_progress, &self);
  tornadis_client_submit (self.client, command, counted_cb, &self, NULL);
  while (!self.done)
    g_main_context_iteration (NULL, TRUE);
  tool_signals_unwatch ();
  tool_progress_stop ();

  if (self.status == TOOL_DONE || self.found.n_keys > 0)
    keys_found_print (&self.found, tool_options_get_format (&self.options, TOOL_FORMAT_LINE));

  return (int) self.status;
}
