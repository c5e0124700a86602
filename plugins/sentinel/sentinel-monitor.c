/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who the sentinels are, and what is asked of them. */

#include "sentinel/sentinel-monitor-private.h"

#include "common/client-properties.h"
#include "common/uri-hosts.h"

/* Each is given so long to answer before the next is asked. */
#define ANSWER_MSEC 1000
/* More than a sentinel has to say. */
#define MAX_REPLY_SIZE (4 * 1024 * 1024)
/* So much of what one says goes into an error, in characters. */
#define MAX_REASON_LENGTH 200

typedef struct
{
  SentinelViewFunc func;
  gpointer user_data;
  guint64 round; /* the number of the one that it waits for */
} Waiter;

static void monitor_ask_next (SentinelMonitor *self);

static void
sentinel_free (gpointer data)
{
  Sentinel *self = data;

  sentinel_stop (self);
  g_object_unref (self->address);
  g_free (self);
}

void
sentinel_copy_properties (TornadisClient *from,
                          TornadisClient *to)
{
  static const char *const names[] = {
    "username",
    "password",
    "protocol",
    "connect-timeout",
    "tcp-nodelay",
    "tcp-user-timeout-msec",
    "tls",
    "tls-database",
    "tls-certificate",
    "tls-server-identity",
    "proxy-resolver",
    NULL,
  };

  client_copy_named_properties (from, to, names);
}

TornadisClient *
sentinel_monitor_make_client (SentinelMonitor *self,
                              GType type,
                              GNetworkAddress *address)
{
  TornadisClient *client = g_object_new (type, NULL);

  sentinel_copy_properties (self->model, client);
  g_object_set (client,
                "host", g_network_address_get_hostname (address),
                "port", (guint) g_network_address_get_port (address),
                "username", self->login.username,
                "password", self->login.password,
                "call-timeout-msec", ANSWER_MSEC,
                "max-reply-size", (guint64) MAX_REPLY_SIZE,
                NULL);
  if (self->login.plain)
    g_object_set (client, "tls", FALSE, NULL);

  return client;
}

Sentinel *
sentinel_monitor_find (SentinelMonitor *self,
                       GNetworkAddress *address,
                       guint *index)
{
  for (guint i = 0; i < self->sentinels->len; i++)
    {
      Sentinel *sentinel = g_ptr_array_index (self->sentinels, i);

      if (!uri_host_equal (sentinel->address, address))
        continue;
      if (index != NULL)
        *index = i;
      return sentinel;
    }

  return NULL;
}

static void
monitor_add (SentinelMonitor *self,
             GNetworkAddress *address,
             gboolean is_seed)
{
  Sentinel *sentinel;

  if (sentinel_monitor_find (self, address, NULL) != NULL)
    return;

  sentinel = g_new0 (Sentinel, 1);
  sentinel->monitor = self;
  sentinel->address = g_object_ref (address);
  sentinel->is_seed = is_seed;
  g_ptr_array_add (self->sentinels, sentinel);
}

void
sentinel_monitor_put (SentinelMonitor *self,
                      GNetworkAddress *address,
                      gboolean first)
{
  guint index;
  Sentinel *sentinel = sentinel_monitor_find (self, address, &index);

  if (sentinel == NULL)
    return;

  g_ptr_array_steal_index (self->sentinels, index);
  g_ptr_array_insert (self->sentinels, first ? 0 : -1, sentinel);
}

static gboolean
contains (GPtrArray *addresses,
          GNetworkAddress *address)
{
  for (guint i = 0; i < addresses->len; i++)
    if (uri_host_equal (g_ptr_array_index (addresses, i), address))
      return TRUE;

  return FALSE;
}

/* One that has answered knows the others; it does not list itself. */
static void
monitor_take_over (SentinelMonitor *self,
                   const SentinelView *view)
{
  sentinel_monitor_put (self, view->sentinel, TRUE);

  for (guint i = self->sentinels->len; i > 1; i--)
    {
      Sentinel *sentinel = g_ptr_array_index (self->sentinels, i - 1);

      if (!sentinel->is_seed && !contains (view->sentinels, sentinel->address))
        g_ptr_array_remove_index (self->sentinels, i - 1);
    }
  for (guint i = 0; i < view->sentinels->len; i++)
    monitor_add (self, g_ptr_array_index (view->sentinels, i), FALSE);
}

/* Rounds of questions. */

/* Takes one of those that wait for the round of a number. */
static gboolean
monitor_take_waiter (SentinelMonitor *self,
                     guint64 round,
                     Waiter *waiter)
{
  for (guint i = 0; i < self->waiters->len; i++)
    {
      *waiter = g_array_index (self->waiters, Waiter, i);
      if (waiter->round > round)
        continue;
      g_array_remove_index (self->waiters, i);
      return TRUE;
    }

  return FALSE;
}

/* Ends a round. Those who wait may begin another, forget others and free the monitor. */
static void
monitor_end_round (SentinelMonitor *self,
                   const SentinelView *view,
                   const GError *error)
{
  g_autoptr (GCancellable) cancelled = g_object_ref (self->cancelled);
  guint64 number = self->round_number++;
  gboolean again = self->again;
  gboolean is_new = FALSE;
  Waiter waiter;

  self->again = FALSE;
  g_clear_pointer (&self->round, g_ptr_array_unref);

  if (view != NULL && !view->is_old)
    {
      is_new = self->master == NULL || !uri_host_equal (self->master, view->master);
      g_set_object (&self->master, view->master);
    }
  for (guint i = 0; view != NULL && self->wanted && i < self->sentinels->len; i++)
    sentinel_monitor_listen (self, g_ptr_array_index (self->sentinels, i));
  sentinel_monitor_start_timer (self);

  while (monitor_take_waiter (self, number, &waiter))
    {
      waiter.func (view, error, waiter.user_data);
      if (g_cancellable_is_cancelled (cancelled))
        return;
    }

  if (is_new && self->wanted)
    self->func (view, self->user_data);
  if (again)
    sentinel_monitor_look_into_it (self, NULL);
}

typedef struct
{
  SentinelMonitor *monitor; /* (unowned) valid unless @cancelled is */
  GCancellable *cancelled;  /* (owned) */
  GNetworkAddress *address; /* (owned) who is asked */
} Question;

static void
monitor_add_reason (SentinelMonitor *self,
                    GNetworkAddress *sentinel,
                    const char *reason)
{
  g_autofree char *valid = g_utf8_make_valid (reason, -1);
  g_autofree char *beginning = g_utf8_substring (valid, 0, MIN (g_utf8_strlen (valid, -1), MAX_REASON_LENGTH));

  if (self->reasons->len > 0)
    g_string_append (self->reasons, "; ");
  /* Some name it themselves. */
  if (!g_str_has_prefix (beginning, "Could not connect to "))
    g_string_append_printf (self->reasons, "%s:%u: ", g_network_address_get_hostname (sentinel),
                            g_network_address_get_port (sentinel));
  g_string_append (self->reasons, beginning);
}

static void
answered_cb (GObject *object,
             GAsyncResult *result,
             gpointer user_data)
{
  Question *question = user_data;
  g_autoptr (TornadisClient) client = g_object_ref (TORNADIS_CLIENT (object));
  g_autoptr (GNetworkAddress) address = question->address;
  g_autoptr (GCancellable) cancelled = question->cancelled;
  SentinelMonitor *self = question->monitor;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) replies = tornadis_client_call_pipeline_finish (client, result, &error);
  g_autoptr (SentinelView) view = NULL;

  g_free (question);
  tornadis_client_close (client);
  if (g_cancellable_is_cancelled (cancelled))
    return;

  if (replies != NULL)
    view = sentinel_view_new (address, self->name, replies, &error);

  if (view != NULL && (view->epoch == SENTINEL_EPOCH_UNKNOWN || view->epoch >= self->epoch))
    {
      monitor_take_over (self, view);
      monitor_end_round (self, view, NULL);
      return;
    }

  monitor_add_reason (self, address, error != NULL ? error->message : "it has not heard of the last failover");
  if (view != NULL && (self->old_view == NULL || self->old_view->epoch < view->epoch))
    {
      g_clear_pointer (&self->old_view, sentinel_view_free);
      self->old_view = g_steal_pointer (&view);
      self->old_view->is_old = TRUE;
    }
  monitor_ask_next (self);
}

static void
monitor_ask_next (SentinelMonitor *self)
{
  g_autoptr (TornadisPipeline) pipeline = NULL;
  g_autoptr (TornadisClient) client = NULL;
  Question *question;

  if (self->round->len == 0)
    {
      g_autoptr (SentinelView) old_view = g_steal_pointer (&self->old_view);
      g_autoptr (GError) error = NULL;

      /* All sentinels may have been set up anew. */
      if (old_view == NULL)
        error = g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_CONNECT, "no sentinel says where “%s” is (%s)", self->name,
                             self->reasons->str);
      monitor_end_round (self, old_view, error);
      return;
    }

  question = g_new (Question, 1);
  *question = (Question){ self, g_object_ref (self->cancelled), g_ptr_array_steal_index (self->round, 0) };
  client = sentinel_monitor_make_client (self, TORNADIS_TYPE_CLIENT, question->address);
  pipeline = sentinel_view_make_pipeline (self->name);
  tornadis_client_call_pipeline_async (client, pipeline, self->cancelled, answered_cb, question);
}

void
sentinel_monitor_look (SentinelMonitor *self,
                       TornadisClient *model,
                       SentinelViewFunc func,
                       gpointer user_data)
{
  const Waiter waiter = { func, user_data, self->round_number };

  g_array_append_val (self->waiters, waiter);
  self->wanted = TRUE;
  if (self->round != NULL)
    return;

  if (self->model != model)
    {
      TornadisClient *copy = g_object_new (TORNADIS_TYPE_CLIENT, NULL);

      /* Not the client itself, which would be kept. */
      sentinel_copy_properties (model, copy);
      g_clear_object (&self->model);
      self->model = copy;
    }

  if (self->pause_msec == 0)
    self->pause_msec = SENTINEL_MIN_PAUSE_MSEC;
  sentinel_monitor_stop_timer (self);
  g_clear_pointer (&self->old_view, sentinel_view_free);
  self->round = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < self->sentinels->len; i++)
    g_ptr_array_add (self->round, g_object_ref (((Sentinel *) g_ptr_array_index (self->sentinels, i))->address));
  g_string_truncate (self->reasons, 0);
  monitor_ask_next (self);
}

void
sentinel_monitor_forget (SentinelMonitor *self,
                         gpointer user_data)
{
  for (guint i = self->waiters->len; i > 0; i--)
    if (g_array_index (self->waiters, Waiter, i - 1).user_data == user_data)
      g_array_remove_index (self->waiters, i - 1);
}

void
sentinel_monitor_confirm (SentinelMonitor *self,
                          gint64 epoch,
                          gboolean is_old)
{
  if (is_old || epoch > self->epoch)
    self->epoch = epoch;
}

void
sentinel_monitor_doubt (SentinelMonitor *self,
                        GNetworkAddress *sentinel)
{
  sentinel_monitor_put (self, sentinel, FALSE);
}

void
sentinel_monitor_rest (SentinelMonitor *self)
{
  self->wanted = self->again = FALSE;
  self->pause_msec = 0;
  sentinel_monitor_stop_timer (self);
  for (guint i = 0; i < self->sentinels->len; i++)
    sentinel_stop (g_ptr_array_index (self->sentinels, i));
  g_clear_object (&self->master);
}

SentinelMonitor *
sentinel_monitor_new (const char *name,
                      GPtrArray *seeds,
                      SentinelSwitchedFunc func,
                      gpointer user_data)
{
  SentinelMonitor *self = g_new0 (SentinelMonitor, 1);

  self->name = g_strdup (name);
  self->sentinels = g_ptr_array_new_with_free_func (sentinel_free);
  self->waiters = g_array_new (FALSE, FALSE, sizeof (Waiter));
  self->reasons = g_string_new (NULL);
  self->cancelled = g_cancellable_new ();
  self->epoch = SENTINEL_EPOCH_UNKNOWN;
  self->func = func;
  self->user_data = user_data;
  for (guint i = 0; i < seeds->len; i++)
    monitor_add (self, g_ptr_array_index (seeds, i), TRUE);

  return self;
}

void
sentinel_monitor_free (SentinelMonitor *self)
{
  g_cancellable_cancel (self->cancelled);
  sentinel_monitor_stop_timer (self);
  g_ptr_array_unref (self->sentinels);
  g_clear_pointer (&self->old_view, sentinel_view_free);
  g_clear_pointer (&self->round, g_ptr_array_unref);
  g_array_unref (self->waiters);
  g_string_free (self->reasons, TRUE);
  g_clear_object (&self->model);
  g_clear_object (&self->master);
  g_object_unref (self->cancelled);
  g_free (self->login.username);
  g_free (self->login.password);
  g_free (self->name);
  g_free (self);
}

SentinelLogin *
sentinel_monitor_get_login (SentinelMonitor *self)
{
  return &self->login;
}
