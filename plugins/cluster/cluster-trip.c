/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-trip.h"

#include "cluster/cluster-answer.h"
#include "cluster/cluster-redirect.h"
#include "cluster/cluster-wait.h"
#include "common/commands.h"

#include <string.h>

/* A slot that migrates moves its clients once or twice; what goes on is a loop. */
#define MAX_REDIRECTS 16
/* From so many on there is a pause before the next. */
#define MAX_QUICK_REDIRECTS 4
#define MIN_DELAY_MSEC 10
#define MAX_DELAY_MSEC 300

static GQuark
trip_quark (void)
{
  static GQuark quark;

  if (G_UNLIKELY (quark == 0))
    quark = g_quark_from_static_string ("tornadis-cluster-trip");

  return quark;
}

static void
trip_free (gpointer data)
{
  ClusterTrip *self = data;

  g_assert (self->timer == NULL);
  g_clear_object (&self->target);
  g_clear_object (&self->cancellable);
  g_free (self);
}

ClusterTrip *
cluster_trip_get (TornadisCall *call)
{
  return g_object_get_qdata (G_OBJECT (call), trip_quark ());
}

ClusterTrip *
cluster_trip_ensure (TornadisCall *call)
{
  ClusterTrip *self = cluster_trip_get (call);

  if (self == NULL)
    {
      self = g_new0 (ClusterTrip, 1);
      g_object_set_qdata_full (G_OBJECT (call), trip_quark (), self, trip_free);
    }

  return self;
}

char *
cluster_trip_dup_host (const ClusterRedirect *redirect,
                       TornadisClient *sent)
{
  char *host = NULL;

  if (redirect->host[0] != '\0')
    return g_strdup (redirect->host);

  if (sent != NULL)
    g_object_get (sent, "host", &host, NULL);

  return host;
}

/* FALSE: it does not go on. The client may be gone afterwards, whose calls are then refused when they go on. */
static gboolean
follow (ClusterClient *client,
        ClusterTrip *self,
        const ClusterRedirect *redirect,
        TornadisClient *sent,
        GError **error)
{
  ClusterTopology *topology = cluster_map_get_topology (client->map);
  g_autofree char *host = cluster_trip_dup_host (redirect, sent);
  const ClusterNode *node;
  TornadisClient *target;

  client->counters->n_redirects++;
  if (host == NULL || self->n_redirects >= MAX_REDIRECTS)
    {
      g_autofree char *words = g_strdup ((*error)->message);

      g_clear_error (error);
      *error = g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "Redirected %u times without end, the last time by “%s”",
                            self->n_redirects + 1, words);
      return FALSE;
    }

  self->n_redirects++;
  node = topology != NULL ? cluster_topology_lookup (topology, host, redirect->port) : NULL;
  self->asking = redirect->kind == CLUSTER_REDIRECT_ASK;
  target = node != NULL ? cluster_links_get (client->links, node) : cluster_links_get_at (client->links, host, redirect->port);
  g_set_object (&self->target, target);
  /* Plugins that are told may remove this one, or run a main loop in which the cluster becomes another one. */
  if (redirect->kind == CLUSTER_REDIRECT_MOVED)
    cluster_map_move (client->map, redirect, host);

  return TRUE;
}

static guint
put_off (ClusterTrip *self)
{
  self->delay_msec = CLAMP (self->delay_msec * 2, MIN_DELAY_MSEC, MAX_DELAY_MSEC);

  return self->delay_msec / 2 + (guint) g_random_int_range (0, (gint32) self->delay_msec / 2 + 1);
}

/* Nobody can serve it now. */
static gboolean
wait_for_master (ClusterClient *client,
                 ClusterTrip *self,
                 guint *delay_msec)
{
  gint64 now = g_get_monotonic_time ();

  if (self->since == 0)
    self->since = now;
  *delay_msec = put_off (self);

  return now - self->since + *delay_msec * G_TIME_SPAN_MILLISECOND <= client->settings->failover_msec * G_TIME_SPAN_MILLISECOND;
}

/* What the server has said: of a transaction that was not run, to the first command that was not queued, as errors of atomic
 * pipelines name it. */
static const char *
find_cause (TornadisCall *call,
            const char *message)
{
  const char *cause = call_is_atomic (call) && g_str_has_prefix (message, "EXECABORT ") ? strstr (message, " Command ") : NULL;

  if (cause != NULL)
    cause = strstr (cause, ": ");

  return cause != NULL ? cause + 2 : message;
}

static gboolean
go_on_after_reply (ClusterClient *client,
                   ClusterTrip *self,
                   TornadisCall *call,
                   TornadisClient *sent,
                   GError **error,
                   guint *delay_msec)
{
  const char *cause = find_cause (call, (*error)->message);
  ClusterRedirect redirect;

  switch (cluster_redirect_parse (cause, strlen (cause), &redirect))
    {
    case CLUSTER_REDIRECT_MOVED:
    case CLUSTER_REDIRECT_ASK:
      if (!follow (client, self, &redirect, sent, error))
        return FALSE;
      if (self->n_redirects > MAX_QUICK_REDIRECTS)
        *delay_msec = put_off (self);
      return TRUE;
    case CLUSTER_REDIRECT_TRYAGAIN:
      return wait_for_master (client, self, delay_msec);
    case CLUSTER_REDIRECT_LOADING:
    case CLUSTER_REDIRECT_MASTERDOWN:
      self->at_master = TRUE;
      cluster_map_refresh (client->map, NULL, NULL, NULL);
      return wait_for_master (client, self, delay_msec);
    case CLUSTER_REDIRECT_CLUSTERDOWN:
    case CLUSTER_REDIRECT_READONLY:
      cluster_map_refresh (client->map, NULL, NULL, NULL);
      return wait_for_master (client, self, delay_msec);
    case CLUSTER_REDIRECT_NONE:
    case CLUSTER_REDIRECT_UNBLOCKED:
    default:
      return FALSE;
    }
}

static gboolean
go_on (ClusterClient *client,
       TornadisCall *call,
       TornadisClient *sent,
       GError **error,
       guint *delay_msec)
{
  ClusterTrip *self = NULL;

  *delay_msec = 0;
  if ((*error)->domain != TORNADIS_ERROR || tornadis_call_is_abandoned (call))
    return FALSE;

  switch ((TornadisError) (*error)->code)
    {
    case TORNADIS_ERROR_REPLY:
      self = cluster_trip_ensure (call);
      g_clear_object (&self->target);
      self->asking = FALSE;
      return go_on_after_reply (client, self, call, sent, error, delay_msec);
    /* It was not written, since the node cannot be reached or is not believed any more. */
    case TORNADIS_ERROR_CONNECT:
    case TORNADIS_ERROR_CLOSED:
      self = cluster_trip_ensure (call);
      g_clear_object (&self->target);
      self->asking = FALSE;
      /* If it was a replica, its master is as good. */
      self->at_master = TRUE;
      g_clear_pointer (&client->home, g_free);
      cluster_map_refresh (client->map, NULL, NULL, NULL);
      if (wait_for_master (client, self, delay_msec))
        return TRUE;
      cluster_client_say_down (client);
      return FALSE;
    case TORNADIS_ERROR_LOST:
    case TORNADIS_ERROR_TIMEOUT:
    case TORNADIS_ERROR_PROTOCOL:
      g_clear_pointer (&client->home, g_free);
      cluster_map_refresh (client->map, NULL, NULL, NULL);
      return FALSE;
    case TORNADIS_ERROR_AUTHENTICATION:
    case TORNADIS_ERROR_USAGE:
    case TORNADIS_ERROR_BUSY:
    case TORNADIS_ERROR_PLUGIN:
    default:
      return FALSE;
    }
}

gboolean
cluster_trip_go_on (ClusterClient *client,
                    TornadisCall *call,
                    TornadisClient *sent,
                    GError **error,
                    guint *delay_msec)
{
  g_autoptr (GError) no_room = NULL;

  if (!go_on (client, call, sent, error, delay_msec))
    {
      cluster_client_explain (client, sent, tornadis_call_get_name (call), error);
      return FALSE;
    }

  if (*delay_msec == 0 || client->is_gone || cluster_wait_begin (client, call, &no_room))
    return TRUE;

  g_clear_error (error);
  *error = g_steal_pointer (&no_room);
  return FALSE;
}

/* A call that is held while something is made on its behalf. */
typedef struct
{
  ClusterClient *client;     /* (owned) */
  TornadisCall *call;        /* (owned) */
  TornadisClient *sent;      /* (owned) (nullable) */
  GCancellable *cancellable; /* (owned) */
} ClusterErrand;

static void
errand_free (gpointer data)
{
  ClusterErrand *self = data;

  g_object_unref (self->cancellable);
  g_clear_object (&self->sent);
  g_object_unref (self->call);
  g_rc_box_release (self->client);
  g_free (self);
}

GCancellable *
cluster_trip_begin (ClusterClient *client,
                    TornadisCall *call,
                    gboolean sends)
{
  ClusterTrip *trip = cluster_trip_ensure (call);

  g_clear_object (&trip->cancellable);
  trip->cancellable = g_steal_pointer (&client->spare);
  if (trip->cancellable == NULL)
    trip->cancellable = g_cancellable_new ();
  trip->has_sent = sends;

  return trip->cancellable;
}

void
cluster_trip_end (ClusterClient *client,
                  TornadisCall *call,
                  GCancellable *cancellable)
{
  ClusterTrip *trip = cluster_trip_get (call);

  /* It may have begun anew by now. */
  if (trip->cancellable == cancellable)
    g_clear_object (&trip->cancellable);

  if (client->spare == NULL && !client->is_gone && !g_cancellable_is_cancelled (cancellable) &&
      g_atomic_int_get (&G_OBJECT (cancellable)->ref_count) == 1)
    client->spare = cancellable;
  else
    g_object_unref (cancellable);
}

static ClusterErrand *
errand_new (ClusterClient *client,
            TornadisCall *call,
            TornadisClient *sent,
            gboolean sends)
{
  ClusterErrand *self = g_new (ClusterErrand, 1);

  *self = (ClusterErrand){ g_rc_box_acquire (client), g_object_ref (call), sent != NULL ? g_object_ref (sent) : NULL,
                           g_object_ref (cluster_trip_begin (client, call, sends)) };

  return self;
}

void
cluster_trip_cancel (ClusterTrip *self)
{
  g_autoptr (GSource) timer = g_steal_pointer (&self->timer);

  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  /* It has the call, and with that the client. */
  if (timer != NULL)
    g_source_destroy (timer);
}

static gboolean
again_cb (gpointer user_data)
{
  ClusterErrand *self = user_data;

  g_clear_pointer (&cluster_trip_get (self->call)->timer, g_source_unref);
  if (g_cancellable_is_cancelled (self->cancellable))
    return G_SOURCE_REMOVE;

  if (self->client->is_gone)
    cluster_client_refuse_gone (self->call);
  else
    cluster_client_route (self->client, self->call);

  return G_SOURCE_REMOVE;
}

/* (transfer full) self */
static void
go_again_later (ClusterErrand *self,
                guint msec)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  g_autoptr (GSource) source = g_timeout_source_new (msec);
  ClusterTrip *trip = cluster_trip_get (self->call);

  /* What was made for it has not run. */
  trip->has_sent = FALSE;
  g_source_set_static_name (source, "[tornadis] cluster, a call is made again");
  g_source_set_callback (source, again_cb, self, errand_free);
  g_source_attach (source, context);
  trip->timer = g_steal_pointer (&source);
}

/* Behind ASKING, and of a transaction behind MULTI too. */
#define FIRST_QUEUED 2

/* The reply (transfer full) to the call: that of the last command. What EXEC has not run says why. */
static TornadisReply *
take_reply (TornadisCall *call,
            TornadisReply *replies)
{
  gsize n = tornadis_reply_get_n_elements (replies);
  TornadisReply *last = tornadis_reply_get_element (replies, n - 1);

  for (gsize i = FIRST_QUEUED; call_is_atomic (call) && tornadis_reply_is_error (last) && i < n - 1; i++)
    {
      TornadisReply *reply = tornadis_reply_get_element (replies, i);
      TornadisCommand *command = tornadis_pipeline_get_command (tornadis_call_get_pipeline (call), (guint) i - FIRST_QUEUED);
      g_autofree char *text = NULL;

      if (!tornadis_reply_is_error (reply))
        continue;

      text = g_strdup_printf ("-%s Command %" G_GSIZE_FORMAT ", %s: %s", tornadis_reply_get_text (last), i - FIRST_QUEUED + 1,
                              tornadis_command_get_name (command), tornadis_reply_get_text (reply));
      return cluster_answer_make_line (text);
    }

  return tornadis_reply_ref (last);
}

/* Consumes all but @reply (nullable). */
static void
errand_end (ClusterErrand *self,
            TornadisReply *reply,
            GError *error)
{
  g_autoptr (GError) failure = error;
  guint delay_msec;

  if (g_cancellable_is_cancelled (self->cancellable))
    {
      errand_free (self);
      return;
    }

  if (failure == NULL && tornadis_reply_is_error (reply))
    failure = tornadis_reply_dup_error (reply);
  if (failure != NULL && self->client->is_gone)
    {
      cluster_client_explain (self->client, self->sent, tornadis_call_get_name (self->call), &failure);
    }
  else if (failure != NULL && cluster_trip_go_on (self->client, self->call, self->sent, &failure, &delay_msec))
    {
      go_again_later (self, delay_msec);
      return;
    }

  if (failure == NULL)
    tornadis_call_return_reply (self->call, reply);
  else
    tornadis_call_return_error (self->call, failure);
  errand_free (self);
}

static void
asked_cb (GObject *object,
          GAsyncResult *result,
          gpointer user_data)
{
  ClusterErrand *errand = user_data;
  GError *error = NULL;
  g_autoptr (TornadisReply) replies = tornadis_client_call_pipeline_finish (TORNADIS_CLIENT (object), result, &error);
  g_autoptr (TornadisReply) reply = replies != NULL ? take_reply (errand->call, replies) : NULL;

  errand_end (errand, reply, error);
}

static void
sent_cb (GObject *object,
         GAsyncResult *result,
         gpointer user_data)
{
  GError *error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_client_call_finish (TORNADIS_CLIENT (object), result, &error);

  errand_end (user_data, reply, error);
}

static void
stack_all (TornadisPipeline *all,
           TornadisCall *call)
{
  TornadisPipeline *pipeline = tornadis_call_get_pipeline (call);

  tornadis_pipeline_stack_strv (all, (const char *[]){ "ASKING", NULL });
  if (pipeline == NULL)
    {
      tornadis_pipeline_stack_command (all, tornadis_call_get_command (call));
      return;
    }

  /* Only a transaction is of one slot as a whole. */
  tornadis_pipeline_stack_strv (all, (const char *[]){ "MULTI", NULL });
  for (guint i = 0; i < tornadis_pipeline_get_number_of_stacked_calls (pipeline); i++)
    tornadis_pipeline_stack_command (all, tornadis_pipeline_get_command (pipeline, i));
  tornadis_pipeline_stack_strv (all, (const char *[]){ "EXEC", NULL });
}

void
cluster_trip_ask (ClusterClient *client,
                  TornadisCall *call,
                  ClusterTrip *trip)
{
  g_autoptr (TornadisPipeline) all = tornadis_pipeline_new ();
  ClusterErrand *errand = errand_new (client, call, trip->target, TRUE);

  stack_all (all, call);
  tornadis_client_call_pipeline_async (trip->target, all, trip->cancellable, asked_cb, errand);
}

void
cluster_trip_send (ClusterClient *client,
                   TornadisCall *call,
                   TornadisClient *node)
{
  ClusterErrand *errand = errand_new (client, call, node, TRUE);

  tornadis_client_call_async (node, tornadis_call_get_command (call), errand->cancellable, sent_cb, errand);
}

void
cluster_trip_put_off (ClusterClient *client,
                      TornadisCall *call,
                      const GError *error)
{
  g_autoptr (GError) no_room = NULL;
  guint delay_msec;

  cluster_map_refresh (client->map, NULL, NULL, NULL);
  if (!wait_for_master (client, cluster_trip_ensure (call), &delay_msec))
    tornadis_call_return_error (call, error);
  else if (!cluster_wait_begin (client, call, &no_room))
    tornadis_call_return_error (call, no_room);
  else
    go_again_later (errand_new (client, call, NULL, FALSE), delay_msec);
}
