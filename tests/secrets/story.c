/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Does what a story says, a line each of words with tabs between them, and shows what programs show of it: titles, errors
 * and metrics. test_secrets.py has the story; those in other languages do the same. */

#include "integration/util.h"

static TornadisClient *client;
static TornadisPlugin *metrics;

/* Of what the server says in its own words the first is what can be shown. */
static void
tell (const char *action,
      const GError *error)
{
  g_autofree char *prefix = error != NULL ? tornadis_error_dup_prefix (error) : NULL;

  if (error == NULL)
    g_print ("%s: ok\n", action);
  else
    g_print ("%s: %s %d %s\n", action, g_quark_to_string (error->domain), error->code,
             g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY) ? prefix : error->message);
}

static void
open_uri (char **words)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *title = NULL;
  TornadisPlugin *trace;

  g_clear_object (&client);
  client = tornadis_client_new_for_uri_full (words[1], TORNADIS_URI_FLAGS_ALLOW_PLUGINS, &error);
  tell (words[0], error);
  if (client == NULL)
    return;

  g_object_get (client, "title", &title, NULL);
  g_print ("%s\n", title);
  tornadis_client_add_plugin_by_name (client, "log", NULL);
  metrics = tornadis_client_add_plugin_by_name (client, "metrics", NULL);
  trace = tornadis_client_add_plugin_by_name (client, "trace", NULL);
  if (g_getenv ("STORY_ARGUMENTS") != NULL)
    g_object_set (trace, "arguments", 2, "max-length", 4096, NULL);
}

static void
show_metrics (void)
{
  g_autoptr (GVariant) snapshot = NULL;
  g_autofree char *prometheus = NULL;
  g_autofree char *text = NULL;

  g_object_get (metrics, "snapshot", &snapshot, "prometheus", &prometheus, NULL);
  text = g_variant_print (snapshot, TRUE);
  g_print ("%s\n%s\n", text, prometheus);
}

static void
do_pipeline (char **words,
             GError **error)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisReply) replies = NULL;
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (char **word = words + 1;; word++)
    {
      if (*word != NULL && !g_str_equal (*word, "|"))
        {
          g_strv_builder_add (builder, *word);
          continue;
        }

      {
        g_auto (GStrv) command = g_strv_builder_end (builder);

        tornadis_pipeline_stack_strv (pipeline, (const char *const *) command);
      }
      if (*word == NULL)
        break;
      g_strv_builder_unref (builder);
      builder = g_strv_builder_new ();
    }

  replies = call_pipeline (client, pipeline, NULL, error);
  for (gsize i = 0; replies != NULL && i < tornadis_reply_get_n_elements (replies); i++)
    {
      TornadisReply *reply = tornadis_reply_get_element (replies, i);
      g_autoptr (GError) refusal = tornadis_reply_is_error (reply) ? tornadis_reply_dup_error (reply) : NULL;

      tell ("reply", refusal);
    }
}

static void
do_call (char **words,
         GError **error)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *const *) words + 1);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) reply = NULL;

  tornadis_client_call_async (client, command, NULL, store_result, &result);
  reply = tornadis_client_call_finish (client, wait_for_result (&result), error);
}

static void
do_lock (char **words,
         GError **error)
{
  g_autoptr (TornadisLock) lock = tornadis_lock_new (TORNADIS_CALLER (client), words[1]);
  g_autoptr (GAsyncResult) result = NULL;

  tornadis_lock_acquire_async (lock, NULL, store_result, &result);
  tornadis_lock_acquire_finish (lock, wait_for_result (&result), error);
}

static void
do_record (char **words,
           GError **error)
{
  g_autoptr (TornadisRecord) record = tornadis_record_new (client, words[1], g_variant_new_parsed ("{'field': <''>}"));
  g_autoptr (GAsyncResult) result = NULL;

  tornadis_record_load_async (record, NULL, store_result, &result);
  tornadis_record_load_finish (record, wait_for_result (&result), error);
}

static void
do_reader (char **words,
           GError **error)
{
  g_autoptr (TornadisStreamReader) reader = tornadis_stream_reader_new (TORNADIS_CALLER (client), words[1], "0");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisStreamEntry) entry = NULL;

  tornadis_stream_reader_next_async (reader, NULL, store_result, &result);
  entry = tornadis_stream_reader_next_finish (reader, wait_for_result (&result), error);
}

static void
do_script (char **words,
           GError **error)
{
  g_autoptr (TornadisScript) script = tornadis_script_new (words[1], 1);
  g_autoptr (TornadisCommand) command = tornadis_script_create_command (script, (const char *[]){ words[2], NULL });
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) reply = NULL;

  tornadis_script_call_async (script, TORNADIS_CALLER (client), command, NULL, store_result, &result);
  reply = tornadis_script_call_finish (script, wait_for_result (&result), error);
}

static void
do_library (char **words,
            GError **error)
{
  g_autoptr (TornadisFunctionLibrary) library = tornadis_function_library_new (words[1], 1);
  g_autoptr (GAsyncResult) result = NULL;

  tornadis_function_library_ensure_async (library, TORNADIS_CALLER (client), NULL, store_result, &result);
  tornadis_function_library_ensure_finish (library, wait_for_result (&result), error);
}

static void
do_connect (char **words,
            GError **error)
{
  connect_and_wait (client, error);
}

static const struct
{
  const char *name;
  void (*run) (char **words,
               GError **error);
} actions[] = {
  { "call", do_call },
  { "connect", do_connect },
  { "library", do_library },
  { "lock", do_lock },
  { "pipeline", do_pipeline },
  { "reader", do_reader },
  { "record", do_record },
  { "script", do_script },
};

int
main (int argc,
      char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *story = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (argv[1], &story, NULL, &error))
    g_error ("%s", error->message);

  lines = g_strsplit (g_strchomp (story), "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) words = g_strsplit (lines[i], "\t", -1);

      if (g_str_equal (words[0], "open"))
        open_uri (words);
      else if (g_str_equal (words[0], "metrics"))
        show_metrics ();
      for (guint j = 0; j < G_N_ELEMENTS (actions); j++)
        if (g_str_equal (words[0], actions[j].name))
          {
            g_autoptr (GError) failure = NULL;

            actions[j].run (words, &failure);
            tell (words[0], failure);
          }
    }
  g_clear_object (&client);
  g_print ("The end\n");
  return 0;
}
