/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tornadis subscribe: the messages of channels and patterns, until a signal or the count stops it. */

#include "tool.h"

#include <string.h>
#include <unistd.h>

typedef struct
{
  TornadisPubSubClient *client; /* (owned) */
  ToolOptions options;
  gboolean quiet;
  gint64 count; /* messages to print, TOOL_NOT_GIVEN: no end */
  gint64 n_printed;
  ToolFormat format;
  gboolean popping;
  char *waiting; /* (owned) (nullable): why it is not connected yet, which was said */
  ToolStatus status;
  gboolean done;
} Subscription;

static void subscription_pop (Subscription *self);
static void subscription_subscribe (Subscription *self,
                                    gboolean channels);

static void
subscription_print (Subscription *self,
                    TornadisMessage *message)
{
  GString *output = tool_output_begin ();

  tool_message_append (output, message, self->format);
  g_string_append_c (output, '\n');
  tool_output_commit ();
}

static void
subscription_fail (Subscription *self,
                   GError *error)
{
  if (!self->done)
    tool_print_error ("%s", error->message);
  self->status = TOOL_FAILED;
  self->done = TRUE;
  g_error_free (error);
}

static void
popped_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  Subscription *self = user_data;
  GError *error = NULL;
  g_autoptr (TornadisMessage) message = tornadis_pub_sub_client_pop_message_finish (self->client, result, &error);

  self->popping = FALSE;
  if (error != NULL)
    {
      subscription_fail (self, error);
      return;
    }

  subscription_print (self, message);
  if (++self->n_printed == self->count)
    self->done = TRUE;
  subscription_pop (self);
}

/* The client keeps what is not popped, and stops reading when that is too much. */
static void
subscription_pop (Subscription *self)
{
  if (self->popping || self->done || tool_output_is_full ())
    return;

  self->popping = TRUE;
  tornadis_pub_sub_client_pop_message_async (self->client, -1, NULL, popped_cb, self);
}

static void
drained_cb (gpointer user_data)
{
  subscription_pop (user_data);
}

/* The server may be started later: a subscription that has failed is tried again, and joins the next attempt to connect,
 * which the client puts off. */
static gboolean
subscription_waits (Subscription *self,
                    const GError *error)
{
  if (self->done || !g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT))
    return FALSE;

  if (!self->quiet && g_strcmp0 (self->waiting, error->message) != 0)
    tool_print_error ("%s; waiting for the server, trying again", error->message);
  g_free (self->waiting);
  self->waiting = g_strdup (error->message);

  return TRUE;
}

static void
subscription_settle (Subscription *self)
{
  if (self->waiting != NULL && !self->quiet)
    tool_print_error ("connected");
  g_clear_pointer (&self->waiting, g_free);
  subscription_pop (self);
}

static void
subscribed_cb (GObject *object,
               GAsyncResult *result,
               gpointer user_data)
{
  Subscription *self = user_data;
  GError *error = NULL;

  if (tornadis_pub_sub_client_subscribe_finish (self->client, result, &error))
    {
      subscription_settle (self);
    }
  else if (subscription_waits (self, error))
    {
      g_error_free (error);
      subscription_subscribe (self, TRUE);
    }
  else
    {
      subscription_fail (self, error);
    }
}

static void
psubscribed_cb (GObject *object,
                GAsyncResult *result,
                gpointer user_data)
{
  Subscription *self = user_data;
  GError *error = NULL;

  if (tornadis_pub_sub_client_psubscribe_finish (self->client, result, &error))
    {
      subscription_settle (self);
    }
  else if (subscription_waits (self, error))
    {
      g_error_free (error);
      subscription_subscribe (self, FALSE);
    }
  else
    {
      subscription_fail (self, error);
    }
}

static void
disconnected_cb (TornadisClient *client,
                 GError *error,
                 Subscription *self)
{
  if (error != NULL && !self->quiet)
    tool_print_error ("%s; connecting again", error->message);
}

/* The same is not said again and again. */
static void
reconnect_scheduled_cb (TornadisClient *client,
                        guint attempt,
                        guint delay_msec,
                        GError *error,
                        Subscription *self)
{
  if (!self->popping || g_strcmp0 (self->waiting, error->message) == 0)
    return;

  if (!self->quiet)
    tool_print_error ("%s; trying again", error->message);
  g_free (self->waiting);
  self->waiting = g_strdup (error->message);
}

static void
gap_cb (TornadisPubSubClient *client,
        Subscription *self)
{
  g_clear_pointer (&self->waiting, g_free);
  if (!self->quiet)
    tool_print_error ("connected again; messages may be missing");
}

static void
ended_cb (gpointer user_data)
{
  ((Subscription *) user_data)->done = TRUE;
}

/* Whether @name has a glob character that no backslash stands before. */
static gboolean
is_pattern (const char *name)
{
  for (; *name != '\0'; name++)
    {
      if (strchr ("*?[", *name) != NULL)
        return TRUE;
      if (*name == '\\' && name[1] != '\0')
        name++;
    }

  return FALSE;
}

/* What a channel is called whose glob characters have backslashes. */
static char *
unescape_channel (const char *name)
{
  GString *channel = g_string_new (NULL);

  for (; *name != '\0'; name++)
    {
      if (*name == '\\' && name[1] != '\0' && strchr ("*?[]\\", name[1]) != NULL)
        name++;
      g_string_append_c (channel, *name);
    }

  return g_string_free (channel, FALSE);
}

/* To all channels, or to all patterns. */
static void
subscription_subscribe (Subscription *self,
                        gboolean channels)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; self->options.arguments[i] != NULL; i++)
    if (is_pattern (self->options.arguments[i]) != channels)
      g_ptr_array_add (names, channels ? unescape_channel (self->options.arguments[i]) : g_strdup (self->options.arguments[i]));

  g_ptr_array_add (names, NULL);
  if (names->len == 1)
    return;

  if (channels)
    tornadis_pub_sub_client_subscribe_async (self->client, (const char *const *) names->pdata, NULL, subscribed_cb, self);
  else
    tornadis_pub_sub_client_psubscribe_async (self->client, (const char *const *) names->pdata, NULL, psubscribed_cb, self);
}

static void
subscription_clear (Subscription *self)
{
  tool_output_set_drained_func (NULL, NULL);
  if (self->client != NULL)
    g_signal_handlers_disconnect_by_data (self->client, self);
  g_clear_object (&self->client);
  g_free (self->waiting);
  tool_options_clear (&self->options);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Subscription, subscription_clear)

int
tool_subscribe (char **argv)
{
  g_auto (Subscription) self = { .count = TOOL_NOT_GIVEN };
  const GOptionEntry entries[] = {
    { "count", 0, 0, G_OPTION_ARG_INT64, &self.count, "End after so many messages", "N" },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &self.quiet, "Say nothing when the connection is lost and made again", NULL },
    G_OPTION_ENTRY_NULL,
  };
  if (!tool_options_parse (&self.options, argv, TOOL_PARSE_RAW, "CHANNEL|PATTERN…",
                           "Prints the messages of channels and patterns: the channel, a tab, the message.\n"
                           "A name with *, ? or [ is a pattern; a backslash before these makes it a channel.",
                           entries))
    return TOOL_USAGE;
  if (self.options.arguments == NULL)
    {
      tool_print_error ("Which channel?");
      return TOOL_USAGE;
    }
  if (!tool_options_check_count (self.count, "The count is a number of messages from 1"))
    return TOOL_USAGE;

  /* On a terminal control characters are not for it. */
  self.format = tool_options_get_format (&self.options, isatty (STDOUT_FILENO) ? TOOL_FORMAT_LINE : TOOL_FORMAT_RAW);

  self.client = tool_options_make_client (&self.options, TORNADIS_TYPE_PUB_SUB_CLIENT);
  if (self.client == NULL)
    return TOOL_USAGE;

  g_signal_connect (self.client, "disconnected", G_CALLBACK (disconnected_cb), &self);
  g_signal_connect (self.client, "reconnect-scheduled", G_CALLBACK (reconnect_scheduled_cb), &self);
  g_signal_connect (self.client, "gap", G_CALLBACK (gap_cb), &self);
  tool_output_set_drained_func (drained_cb, &self);
  tool_output_watch ();
  tool_signals_watch (ended_cb, &self);

  subscription_subscribe (&self, TRUE);
  subscription_subscribe (&self, FALSE);
  while (!self.done)
    g_main_context_iteration (NULL, TRUE);

  tool_signals_unwatch ();
  return (int) self.status;
}
