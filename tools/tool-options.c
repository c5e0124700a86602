/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The options that several subcommands have, which are called as those of redis-cli. */

#include "tool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_INTERVAL_SEC (G_MAXUINT / 1000.0)

void
tool_print_usage_error (const char *format,
                        ...)
{
  g_autofree char *text = NULL;
  g_autofree char *hint = NULL;
  g_autofree char *localized = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);

  tool_print_error ("%s", text);
  hint = g_strdup_printf ("Try “%s --help” for more information.\n", g_get_prgname ());
  localized = tool_text_localize (hint);
  g_printerr ("%s", localized);
}

/* @user_data is NULL where options are only looked at. */
static gboolean
help_cb (const char *name,
         const char *value,
         gpointer user_data,
         GError **error)
{
  g_autofree char *help = NULL;
  g_autofree char *localized = NULL;

  if (user_data == NULL)
    return TRUE;

  help = g_option_context_get_help (user_data, TRUE, NULL);
  localized = tool_text_localize (help);
  g_string_append (tool_output_begin (), localized);
  tool_output_finish ();
  exit (TOOL_DONE);
}

/* Adds entries to the group, and to what is known of all (element-type GOptionEntry). */
static void
add_entries (GOptionGroup *group,
             GArray *known,
             const GOptionEntry *entries)
{
  g_option_group_add_entries (group, entries);
  for (; entries->long_name != NULL; entries++)
    g_array_append_vals (known, entries, 1);
}

static void
add_server_entries (ToolOptions *self,
                    GOptionGroup *group,
                    GArray *known)
{
  const GOptionEntry entries[] = {
    { "uri", 'u', 0, G_OPTION_ARG_FILENAME, &self->uri, "Server (default: $TORNADIS_URI, else redis://127.0.0.1:6379)", "URI" },
    { "host", 'h', 0, G_OPTION_ARG_FILENAME, &self->host, "Server, instead of a URI (default: 127.0.0.1)", "HOST" },
    { "port", 'p', 0, G_OPTION_ARG_INT, &self->port, "Its port (default: 6379)", "PORT" },
    { "socket", 's', 0, G_OPTION_ARG_FILENAME, &self->socket, "Its unix socket, instead of host and port", "PATH" },
    { "cluster", 'c', 0, G_OPTION_ARG_NONE, &self->cluster, "It is a node of a cluster, all of which is meant", NULL },
    { "db", 'n', 0, G_OPTION_ARG_INT, &self->db, "Database", "NUMBER" },
    { "user", 0, 0, G_OPTION_ARG_FILENAME, &self->user, "User", "NAME" },
    { "pass", 'a', 0, G_OPTION_ARG_FILENAME, &self->password, "Password; rather use --askpass, $TORNADIS_PASSWORD or $REDISCLI_AUTH",
      "PASSWORD" },
    { "askpass", 0, 0, G_OPTION_ARG_NONE, &self->askpass, "Ask for the password on the terminal", NULL },
    { "tls", 0, 0, G_OPTION_ARG_NONE, &self->tls, "Use TLS", NULL },
    { "cacert", 0, 0, G_OPTION_ARG_FILENAME, &self->cacert, "Trust the certificates of this file", "FILE" },
    { "cert", 0, 0, G_OPTION_ARG_FILENAME, &self->cert, "Certificate to show to the server", "FILE" },
    { "key", 0, 0, G_OPTION_ARG_FILENAME, &self->key, "Private key of that (default: in the same file)", "FILE" },
    { "sni", 0, 0, G_OPTION_ARG_FILENAME, &self->sni, "Name that the server's certificate is for", "HOST" },
    { "insecure", 0, 0, G_OPTION_ARG_NONE, &self->insecure, "Accept any certificate of the server", NULL },
    { "timeout", 0, 0, G_OPTION_ARG_DOUBLE, &self->timeout, "Time for connecting, and for each call", "SECONDS" },
    { "plugin", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->plugins, "Use a plugin; may be given again",
      "NAME[:PROPERTY=VALUE,…]" },
    { "resp2", '2', 0, G_OPTION_ARG_NONE, &self->resp2, "Speak RESP2", NULL },
    { "resp3", '3', 0, G_OPTION_ARG_NONE, &self->resp3, "Speak RESP3", NULL },
    G_OPTION_ENTRY_NULL,
  };

  add_entries (group, known, entries);
}

static void
add_output_entries (ToolOptions *self,
                    GOptionGroup *group,
                    GArray *known,
                    ToolParseFlags flags)
{
  const GOptionEntry json[] = {
    { "json", 'j', 0, G_OPTION_ARG_NONE, &self->json, "Print JSON, one value a line", NULL },
    G_OPTION_ENTRY_NULL,
  };
  const GOptionEntry csv[] = {
    { "csv", 0, 0, G_OPTION_ARG_NONE, &self->csv, "Print CSV", NULL },
    G_OPTION_ENTRY_NULL,
  };
  const GOptionEntry raw[] = {
    { "raw", 0, 0, G_OPTION_ARG_NONE, &self->raw, "Print the bytes as they are, on a terminal too", NULL },
    G_OPTION_ENTRY_NULL,
  };

  add_entries (group, known, json);
  if ((flags & TOOL_PARSE_NO_SERVER) == 0)
    add_entries (group, known, csv);
  if ((flags & TOOL_PARSE_RAW) != 0)
    add_entries (group, known, raw);
}

static void
add_repeat_entries (ToolOptions *self,
                    GOptionGroup *group,
                    GArray *known,
                    ToolParseFlags flags)
{
  const GOptionEntry repeat[] = {
    { "repeat", 'r', 0, G_OPTION_ARG_INT64, &self->repeat, "How many times; -1: no end", "COUNT" },
    G_OPTION_ENTRY_NULL,
  };
  const GOptionEntry interval[] = {
    { "interval", 'i', 0, G_OPTION_ARG_DOUBLE, &self->interval, "Time between; may have a fraction", "SECONDS" },
    G_OPTION_ENTRY_NULL,
  };

  if ((flags & TOOL_PARSE_REPEAT) != 0)
    add_entries (group, known, repeat);
  if ((flags & (TOOL_PARSE_REPEAT | TOOL_PARSE_INTERVAL)) != 0)
    add_entries (group, known, interval);
}

/* -h is the host: help has no letter, and GLib's own, which takes that, is off. */
static GOptionContext *
make_context (ToolOptions *self,
              ToolParseFlags flags,
              const char *arguments,
              const GOptionEntry *entries,
              GArray *known,
              gboolean with_help)
{
  const GOptionEntry last_entries[] = {
    { "help", 0, G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, help_cb, "Show this", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->arguments, NULL, NULL },
    G_OPTION_ENTRY_NULL,
  };
  GOptionContext *context = g_option_context_new (arguments);
  GOptionGroup *group = g_option_group_new ("tornadis", NULL, NULL, with_help ? context : NULL, NULL);

  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_strict_posix (context, (flags & TOOL_PARSE_BEFORE) != 0);

  if (entries != NULL)
    add_entries (group, known, entries);
  add_repeat_entries (self, group, known, flags);
  add_output_entries (self, group, known, flags);
  if ((flags & TOOL_PARSE_NO_SERVER) == 0)
    add_server_entries (self, group, known);
  add_entries (group, known, last_entries);
  g_option_context_set_main_group (context, group);

  return context;
}

static GArray *
known_new (void)
{
  return g_array_new (FALSE, FALSE, sizeof (GOptionEntry));
}

static gboolean
entry_takes_value (const GOptionEntry *self)
{
  return self->arg != G_OPTION_ARG_NONE && (self->flags & G_OPTION_FLAG_NO_ARG) == 0;
}

static const GOptionEntry *
find_long (GArray *known,
           const char *name)
{
  for (guint i = 0; i < known->len; i++)
    if (strcmp (g_array_index (known, GOptionEntry, i).long_name, name) == 0)
      return &g_array_index (known, GOptionEntry, i);

  return NULL;
}

static const GOptionEntry *
find_short (GArray *known,
            char letter)
{
  for (guint i = 0; i < known->len; i++)
    if (g_array_index (known, GOptionEntry, i).short_name == letter)
      return &g_array_index (known, GOptionEntry, i);

  return NULL;
}

/* Finds an option whose value follows its letter in the same word, as in -p6379, which GLib and redis-cli take for more
 * letters. Returns NULL if there is none. */
static const GOptionEntry *
find_attached (GArray *known,
               char **argv,
               ToolParseFlags flags)
{
  for (guint i = 1; argv[0] != NULL && argv[i] != NULL && strcmp (argv[i], "--") != 0; i++)
    {
      gboolean is_option = argv[i][0] == '-' && argv[i][1] != '\0';
      gboolean is_long = is_option && argv[i][1] == '-';
      const GOptionEntry *entry = is_long ? find_long (known, argv[i] + 2) : NULL;

      if (!is_option && (flags & TOOL_PARSE_BEFORE) != 0)
        break;

      for (const char *p = argv[i] + 1; is_option && !is_long && *p != '\0'; p++)
        {
          entry = find_short (known, *p);
          if (entry == NULL)
            break;
          if (entry_takes_value (entry) && p[1] != '\0')
            return entry;
        }

      /* What follows is its value, whatever it looks like. */
      if (entry != NULL && entry_takes_value (entry) && argv[i + 1] != NULL)
        i++;
    }

  return NULL;
}

static gboolean
options_check (ToolOptions *self)
{
  gboolean has_address = self->host != NULL || self->port != TOOL_NOT_GIVEN || self->socket != NULL;
  const char *problem = NULL;

  if (self->uri != NULL && has_address)
    problem = "Either a URI, or a host, port or unix socket";
  else if (self->socket != NULL && (self->host != NULL || self->port != TOOL_NOT_GIVEN))
    problem = "Either a unix socket, or a host and a port";
  else if (self->socket != NULL && self->cluster)
    problem = "The nodes of a cluster have hosts and ports";
  else if (self->port != TOOL_NOT_GIVEN && (self->port < 1 || self->port > G_MAXUINT16))
    problem = "The port is from 1 to 65535";
  else if (self->host != NULL && *self->host == '\0')
    problem = "The host has no name";
  else if (self->socket != NULL && *self->socket == '\0')
    problem = "The unix socket has no name";
  else if (self->db != TOOL_NOT_GIVEN && self->db < 0)
    problem = "The database is a number from 0";
  else if (self->password != NULL && self->askpass)
    problem = "Either a password, or --askpass";
  else if (self->key != NULL && self->cert == NULL)
    problem = "--key is for the certificate of --cert, which is missing";
  else if (self->insecure && (self->cacert != NULL))
    problem = "Either --cacert or --insecure";
  else if (self->resp2 && self->resp3)
    problem = "Either --resp2 or --resp3";
  else if (self->json + self->csv + self->raw > 1)
    problem = "One of --json, --csv and --raw";
  else if (!isfinite (self->timeout) || self->timeout < 0 || self->timeout > (double) (G_MAXUINT / 1000))
    problem = "The timeout is a number of seconds";
  else if (self->repeat < -1 || self->repeat == 0)
    problem = "The number of times is 1 or more, or -1";
  else if (!isfinite (self->interval) || self->interval < 0 || self->interval > MAX_INTERVAL_SEC)
    problem = "The interval is a number of seconds";

  if (problem != NULL)
    tool_print_usage_error ("%s", problem);
  return problem == NULL;
}

/* Reads options and arguments, and asks for the password. A mistake is printed: the exit status is TOOL_USAGE. Text is of
 * the type “filename” all over: it is taken as it is, where a string would have to be of the locale's character set.
 * Passwords are overwritten in @argv. */
gboolean
tool_options_parse (ToolOptions *self,
                    char **argv,
                    ToolParseFlags flags,
                    const char *arguments,
                    const char *summary,
                    const GOptionEntry *entries)
{
  g_autoptr (GArray) known = known_new ();
  g_autoptr (GOptionContext) context = make_context (self, flags, arguments, entries, known, TRUE);
  const GOptionEntry *attached = find_attached (known, argv, flags);
  g_auto (GStrv) args = g_strdupv (argv);
  g_autoptr (GError) error = NULL;

  self->port = TOOL_NOT_GIVEN;
  self->db = TOOL_NOT_GIVEN;
  if (self->repeat == 0)
    self->repeat = 1;

  if (attached != NULL)
    {
      tool_print_usage_error ("The value of -%c is a word of its own: -%c %s", attached->short_name, attached->short_name,
                              attached->arg_description);
      return FALSE;
    }

  g_option_context_set_summary (context, summary);
  if (!g_option_context_parse_strv (context, &args, &error))
    {
      /* An option that is misspelt may have a password for its value. */
      tool_print_usage_error ("%.*s", (int) strcspn (error->message, "="), error->message);
      return FALSE;
    }

  tool_password_hide (argv, self->password);
  if (!options_check (self))
    return FALSE;

  if (self->askpass)
    self->password = tool_password_ask ("Password: ", &error);
  if (error != NULL)
    tool_print_error ("%s", error->message);

  return error == NULL;
}

/* Checks a number of things that is TOOL_NOT_GIVEN unless somebody has given it. None at all is never meant. */
gboolean
tool_options_check_count (gint64 count,
                          const char *problem)
{
  if (count == TOOL_NOT_GIVEN || count >= 1)
    return TRUE;

  tool_print_usage_error ("%s", problem);
  return FALSE;
}

/* Returns the index of the first argument behind options that subcommands have in common, or 0 if there is none, or options
 * are wrong. */
guint
tool_options_find_argument (char **argv)
{
  g_auto (ToolOptions) options = { 0 };
  g_autoptr (GArray) known = known_new ();
  g_autoptr (GOptionContext) context = make_context (&options, TOOL_PARSE_BEFORE | TOOL_PARSE_REPEAT, NULL, NULL, known, FALSE);
  g_auto (GStrv) args = g_strdupv (argv);

  if (find_attached (known, argv, TOOL_PARSE_BEFORE) != NULL || !g_option_context_parse_strv (context, &args, NULL) ||
      options.arguments == NULL)
    return 0;

  return g_strv_length (argv) - g_strv_length (options.arguments);
}

/* The help of the program without a subcommand. */
void
tool_options_append_help (GString *text,
                          const char *arguments,
                          const char *summary,
                          const char *description)
{
  g_auto (ToolOptions) options = { 0 };
  g_autoptr (GArray) known = known_new ();
  g_autoptr (GOptionContext) context = make_context (&options, TOOL_PARSE_BEFORE, arguments, NULL, known, FALSE);
  g_autofree char *help = NULL;
  g_autofree char *localized = NULL;

  g_option_context_set_summary (context, summary);
  g_option_context_set_description (context, description);
  help = g_option_context_get_help (context, TRUE, NULL);
  localized = tool_text_localize (help);
  g_string_append (text, localized);
}

/* What --json, --csv and --raw say, else @otherwise. */
ToolFormat
tool_options_get_format (ToolOptions *self,
                         ToolFormat otherwise)
{
  if (self->json)
    return TOOL_FORMAT_JSON;
  if (self->csv)
    return TOOL_FORMAT_CSV;

  return self->raw ? TOOL_FORMAT_RAW : otherwise;
}

void
tool_options_clear (ToolOptions *self)
{
  g_clear_pointer (&self->uri, g_free);
  g_clear_pointer (&self->host, g_free);
  g_clear_pointer (&self->socket, g_free);
  g_clear_pointer (&self->user, g_free);
  g_clear_pointer (&self->password, g_free);
  g_clear_pointer (&self->cacert, g_free);
  g_clear_pointer (&self->cert, g_free);
  g_clear_pointer (&self->key, g_free);
  g_clear_pointer (&self->sni, g_free);
  g_clear_pointer (&self->plugins, g_strfreev);
  g_clear_pointer (&self->arguments, g_strfreev);
  g_clear_pointer (&self->title, g_free);
  g_clear_pointer (&self->instances, g_ptr_array_unref);
  g_clear_object (&self->tls_database);
  g_clear_object (&self->tls_certificate);
}
