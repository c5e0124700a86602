/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The setting by which a server publishes what becomes of its keys: letters for the kinds of channels, and for the classes of
 * events. A channel and a class make a notification. */

#include "tornadis-glib/data/tornadis-keyspace-private.h"

#include <string.h>

#include "tornadis-glib/client/tornadis-client-pool.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-command.h"
#include "tornadis-glib/values/tornadis-reply.h"

#define SETTING "notify-keyspace-events"
#define CHANNELS "KESTIV"
/* What A stands for; other classes have to be named. */
#define ALL_CLASSES "g$lshzxetda"
/* So often it is set when others set it at the same time to what they need. */
#define MAX_ATTEMPTS 10
/* So often it has to be as it was set, one round trip after the other: who has read it before writes by then. */
#define N_LOOKS 3

typedef struct
{
  TornadisClientPool *pool; /* (owned) of one connection, that nobody else is in the middle of something with */
  TornadisKeyspaceNeeds needs;
  char *classes; /* (owned) (nullable) as in @needs */
  char *present; /* (owned) (nullable) */
  TornadisKeyspaceSetting setting;
  gboolean asks_for_subkeys;
  guint n_attempts;
  guint n_looks; /* since it was set */
} Check;

static void
check_free (gpointer data)
{
  Check *self = data;

  tornadis_client_pool_destroy (self->pool);
  g_object_unref (self->pool);
  g_free (self->classes);
  g_free (self->present);
  g_free (self);
}

static gboolean
has_letter (const char *letters,
            char letter)
{
  return strchr (letters, letter) != NULL;
}

static gboolean
has_class (const char *letters,
           char letter)
{
  return has_letter (letters, letter) || (has_letter (letters, 'A') && has_letter (ALL_CLASSES, letter));
}

static gboolean
has_any_class (const char *letters)
{
  return letters[strspn (letters, CHANNELS)] != '\0';
}

/* Chooses the kind of channel, from those that there are if one will do. */
static void
check_choose (Check *self)
{
  const TornadisKeyspaceNeeds *needs = &self->needs;
  gboolean has_keys = has_letter (self->present, 'K');
  gboolean has_events = has_letter (self->present, 'E');
  gboolean prefers_events = needs->by_event && (needs->by_event_first || !needs->by_key);

  if (needs->by_key && needs->by_event && has_keys != has_events)
    self->setting.is_by_event = has_events;
  else
    self->setting.is_by_event = prefers_events;
}

/* (transfer full): what is to be added to what there is. */
static char *
check_dup_missing (Check *self)
{
  GString *missing = g_string_new (NULL);
  const char *classes = self->classes;
  char channel = self->setting.is_by_event ? 'E' : 'K';

  if (!has_letter (self->present, channel))
    g_string_append_c (missing, channel);
  if (classes == NULL && !has_any_class (self->present))
    g_string_append_c (missing, 'A');
  for (; classes != NULL && *classes != '\0'; classes++)
    if (!has_class (self->present, *classes))
      g_string_append_c (missing, *classes);

  return g_string_free (missing, FALSE);
}

static char
check_get_subkey_letter (const Check *self)
{
  return self->setting.is_by_event ? 'T' : 'S';
}

static void check_set (GTask *task);
static void check_get (GTask *task,
                       GAsyncReadyCallback callback);

/* The setting is one text, which is read and then written: somebody may have written it in between. */
static void
got_again_cb (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Check *self = g_task_get_task_data (task);
  g_autoptr (TornadisReply) reply = tornadis_client_pool_call_finish (TORNADIS_CLIENT_POOL (object), result, NULL);
  TornadisReply *value = reply != NULL ? tornadis_reply_lookup (reply, SETTING) : NULL;
  const char *present = value != NULL ? tornadis_reply_get_text (value) : NULL;

  if (present != NULL)
    {
      g_autofree char *missing = NULL;

      g_free (self->present);
      self->present = g_strdup (present);
      self->setting.has_subkeys = self->needs.subkeys && has_letter (present, check_get_subkey_letter (self));
      missing = check_dup_missing (self);
      if ((*missing != '\0' || (self->asks_for_subkeys && !self->setting.has_subkeys)) && ++self->n_attempts < MAX_ATTEMPTS)
        {
          check_set (task);
          return;
        }
      if (*missing == '\0' && ++self->n_looks < N_LOOKS)
        {
          check_get (task, got_again_cb);
          return;
        }
    }

  g_task_return_boolean (task, TRUE);
}

static void
check_get (GTask *task,
           GAsyncReadyCallback callback)
{
  Check *self = g_task_get_task_data (task);
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "CONFIG", "GET", SETTING, NULL });

  tornadis_client_pool_call_async (self->pool, command, g_task_get_cancellable (task), callback, g_object_ref (task));
}

static void
set_cb (GObject *object,
        GAsyncResult *result,
        gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Check *self = g_task_get_task_data (task);
  g_autofree char *missing = check_dup_missing (self);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_client_pool_call_finish (TORNADIS_CLIENT_POOL (object), result, &error);
  gboolean is_refused = g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);

  if (reply != NULL)
    {
      gboolean is_same = *missing == '\0' && self->setting.has_subkeys >= self->asks_for_subkeys;

      self->setting.was_off |= *missing != '\0';
      self->setting.has_subkeys |= self->asks_for_subkeys;
      if (is_same)
        g_task_return_boolean (task, TRUE);
      else
        check_get (task, got_again_cb);
    }
  else if (is_refused && self->asks_for_subkeys)
    {
      /* A server before Redis 8.8 does not know the letter. */
      self->asks_for_subkeys = FALSE;
      check_set (task);
    }
  else if (*missing == '\0' && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      /* They are on at the server that was asked. Of a cluster others may be down. */
      g_task_return_boolean (task, TRUE);
    }
  else
    {
      g_task_return_error (task, g_steal_pointer (&error));
    }
}

/* Also if nothing is missing: of a cluster one node has told, and all are set. */
static void
check_set (GTask *task)
{
  Check *self = g_task_get_task_data (task);
  g_autofree char *missing = check_dup_missing (self);
  char subkey[] = { self->asks_for_subkeys && !self->setting.has_subkeys ? check_get_subkey_letter (self) : '\0', '\0' };
  g_autofree char *value = g_strconcat (self->present, missing, subkey, NULL);
  g_autoptr (TornadisCommand) command =
    tornadis_command_new_strv ((const char *[]){ "CONFIG", "SET", SETTING, value, NULL });

  self->n_looks = 0;
  tornadis_client_pool_call_async (self->pool, command, g_task_get_cancellable (task), set_cb, g_object_ref (task));
}

static void
check_return_off (GTask *task,
                  const char *missing)
{
  Check *self = g_task_get_task_data (task);

  g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_USAGE,
                           "Keyspace notifications are off: " SETTING " of the server is \"%s\" and lacks \"%s\"", self->present,
                           missing);
}

static void
got_cb (GObject *object,
        GAsyncResult *result,
        gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Check *self = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_client_pool_call_finish (TORNADIS_CLIENT_POOL (object), result, &error);
  TornadisReply *value;
  g_autofree char *missing = NULL;
  const char *present;

  if (error != NULL && (self->needs.configure || !g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY)))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  value = reply != NULL ? tornadis_reply_lookup (reply, SETTING) : NULL;
  present = value != NULL ? tornadis_reply_get_text (value) : NULL;
  self->setting.is_checked = present != NULL;
  self->present = g_strdup (present != NULL ? present : "");
  check_choose (self);
  self->setting.has_subkeys = self->needs.subkeys && has_letter (self->present, check_get_subkey_letter (self));
  missing = check_dup_missing (self);
  if (self->needs.configure && present == NULL)
    g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "CONFIG GET " SETTING ": the reply has no such setting");
  else if (self->needs.configure)
    check_set (task);
  else if (present != NULL && *missing != '\0')
    check_return_off (task, missing);
  else
    g_task_return_boolean (task, TRUE);
}

void
tornadis_keyspace_setting_check_async (TornadisClient *client,
                                       const TornadisKeyspaceNeeds *needs,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Check *self = g_new0 (Check, 1);

  self->pool = tornadis_client_pool_new (client);
  self->needs = *needs;
  self->classes = g_strdup (needs->classes);
  self->needs.classes = NULL;
  self->asks_for_subkeys = needs->subkeys;
  g_task_set_task_data (task, self, check_free);
  g_task_set_source_tag (task, tornadis_keyspace_setting_check_async);
  check_get (task, got_cb);
}

gboolean
tornadis_keyspace_setting_check_finish (TornadisKeyspaceSetting *setting,
                                        GAsyncResult *result,
                                        GError **error)
{
  Check *self = g_task_get_task_data (G_TASK (result));

  *setting = self->setting;

  return g_task_propagate_boolean (G_TASK (result), error);
}
