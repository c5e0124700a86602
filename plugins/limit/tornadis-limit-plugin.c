/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gmodule.h>
#include <tornadis-glib/tornadis-glib.h>

#include "common/commands.h"
#include "limit/alarm.h"
#include "limit/circuit-breaker.h"
#include "limit/circuit-outcome.h"
#include "limit/fair-queue.h"
#include "limit/token-bucket.h"

/* Bounds the commands in flight and the commands per second of all its clients together. Calls beyond that wait in a queue
 * that is bounded itself and fair to the clients. A circuit breaker refuses calls while the server does not serve.
 *
 * A pipeline counts as its commands. One that is larger than a bound is sent alone, rather than never. */

#define TORNADIS_TYPE_LIMIT_PLUGIN (tornadis_limit_plugin_get_type ())
G_DECLARE_FINAL_TYPE (TornadisLimitPlugin, tornadis_limit_plugin, TORNADIS, LIMIT_PLUGIN, TornadisPlugin)

struct _TornadisLimitPlugin
{
  TornadisPlugin parent_instance;

  guint max_in_flight; /* 0: no bound */
  guint max_queued;
  TokenBucket bucket;
  CircuitBreaker breaker;

  GHashTable *calls; /* (owned) (element-type TornadisCall LimitedCall) all that wait or are in flight */
  FairQueue queue;   /* (element-type LimitedCall) those that wait */
  Alarm alarm;       /* for the bucket and the breaker */
  guint in_flight;   /* commands */
  guint64 refused;
  TornadisCircuitState notified_state;
  gboolean advancing; /* limit_advance() is on the stack */
};

G_DEFINE_FINAL_TYPE (TornadisLimitPlugin, tornadis_limit_plugin, TORNADIS_TYPE_PLUGIN)

typedef struct
{
  FairItem item;
  TornadisCall *call; /* (unowned) held while it waits, and valid until call_done in any case */
  guint cost;
  guint era; /* of the breaker */
} LimitedCall;

typedef enum
{
  PROP_MAX_IN_FLIGHT = 1,
  PROP_MAX_PER_SECOND,
  PROP_BURST,
  PROP_MAX_QUEUED,
  PROP_ERROR_RATE,
  PROP_MIN_CALLS,
  PROP_WINDOW_MSEC,
  PROP_OPEN_MSEC,
  PROP_MAX_OPEN_MSEC,
  PROP_PROBES,
  PROP_STATE,
  PROP_IN_FLIGHT,
  PROP_QUEUED,
  PROP_REFUSED,
} TornadisLimitPluginProperty;

static GParamSpec *props[PROP_REFUSED + 1];

static void
limit_refuse (TornadisLimitPlugin *self,
              TornadisCall *call,
              const char *reason)
{
  g_autoptr (GError) error =
    g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_BUSY, "%s was not sent: %s", tornadis_call_get_name (call), reason);

  self->refused++;
  tornadis_call_return_error (call, error);
}

static gboolean
limit_fits (TornadisLimitPlugin *self,
            guint cost)
{
  return self->max_in_flight == 0 || self->in_flight == 0 ||
         (self->in_flight < self->max_in_flight && cost <= self->max_in_flight - self->in_flight);
}

/* When the call may be sent; 0: when another has completed. */
static gint64
limit_get_time (TornadisLimitPlugin *self,
                guint cost,
                gint64 now)
{
  return limit_fits (self, cost) ? token_bucket_get_time (&self->bucket, cost, now) : 0;
}

static gboolean
limit_has_room (TornadisLimitPlugin *self,
                guint cost,
                gint64 now)
{
  gint64 at = limit_get_time (self, cost, now);

  return at != 0 && at <= now;
}

static void
limit_begin (TornadisLimitPlugin *self,
             guint cost,
             gint64 now)
{
  self->in_flight += cost;
  token_bucket_take (&self->bucket, cost, now);
}

static void
limit_notify_state (TornadisLimitPlugin *self)
{
  if (self->notified_state == self->breaker.state)
    return;

  self->notified_state = self->breaker.state;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_STATE]);
}

static void
limit_arm (TornadisLimitPlugin *self)
{
  LimitedCall *first = fair_queue_peek (&self->queue);
  gint64 at = first != NULL ? limit_get_time (self, first->cost, g_get_monotonic_time ()) : 0;
  gint64 update = circuit_breaker_get_time (&self->breaker);

  alarm_set (&self->alarm, at > 0 && update > 0 ? MIN (at, update) : MAX (at, update));
}

/* Sends what may be sent now and refuses what may not any more. A caller that is notified by this may call again: such
 * calls wait for the next main-context iteration. */
static void
limit_advance (TornadisLimitPlugin *self)
{
  g_autoptr (TornadisLimitPlugin) alive G_GNUC_UNUSED = g_object_ref (self);
  guint n = self->queue.length;
  LimitedCall *limited;

  limit_notify_state (self);
  if (self->advancing)
    return;

  self->advancing = TRUE;
  while (n-- > 0 && (limited = fair_queue_peek (&self->queue)) != NULL)
    {
      gint64 now = g_get_monotonic_time ();
      TornadisCall *call = limited->call;

      if (!circuit_breaker_honours (&self->breaker, limited->era))
        {
          fair_queue_pop (&self->queue);
          g_hash_table_remove (self->calls, call);
          limit_refuse (self, call, "circuit open");
        }
      else if (limit_has_room (self, limited->cost, now))
        {
          fair_queue_pop (&self->queue);
          limit_begin (self, limited->cost, now);
          tornadis_call_proceed (call);
        }
      else
        break;
      g_object_unref (call);
    }
  self->advancing = FALSE;

  limit_arm (self);
}

static gboolean
alarm_cb (gpointer user_data)
{
  TornadisLimitPlugin *self = user_data;

  circuit_breaker_update (&self->breaker, g_get_monotonic_time ());
  limit_advance (self);

  return G_SOURCE_CONTINUE;
}

static gboolean
tornadis_limit_plugin_call (TornadisPlugin *plugin,
                            TornadisCall *call)
{
  TornadisLimitPlugin *self = (TornadisLimitPlugin *) plugin;
  gint64 now = g_get_monotonic_time ();
  guint cost = call_get_n_commands (call);
  gboolean waits = self->queue.length > 0 || !limit_has_room (self, cost, now);
  LimitedCall *limited;
  guint era;

  if (waits && self->queue.length >= self->max_queued)
    {
      limit_refuse (self, call, "too many calls wait already");
      return TRUE;
    }

  if (!circuit_breaker_admit (&self->breaker, now, &era))
    {
      limit_refuse (self, call, "circuit open");
      return TRUE;
    }

  limited = g_new0 (LimitedCall, 1);
  limited->call = call;
  limited->cost = cost;
  limited->era = era;
  g_hash_table_insert (self->calls, call, limited);

  if (waits)
    {
      g_object_ref (call);
      fair_queue_push (&self->queue, tornadis_call_get_client (call), &limited->item, limited);
      if (self->queue.length == 1)
        limit_arm (self);
    }
  else
    limit_begin (self, cost, now);
  limit_notify_state (self);

  return waits;
}

/* A call that was refused is not among the calls any more. */
static void
tornadis_limit_plugin_call_done (TornadisPlugin *plugin,
                                 TornadisCall *call)
{
  TornadisLimitPlugin *self = (TornadisLimitPlugin *) plugin;
  LimitedCall *limited = g_hash_table_lookup (self->calls, call);

  if (limited == NULL)
    return;

  if (limited->item.owner != NULL)
    {
      fair_queue_remove (&self->queue, &limited->item);
      circuit_breaker_end (&self->breaker, limited->era, CIRCUIT_NO_OUTCOME, 0);
      g_object_unref (call);
    }
  else
    {
      self->in_flight -= limited->cost;
      circuit_breaker_end (&self->breaker, limited->era, circuit_outcome_of (call), g_get_monotonic_time ());
    }
  g_hash_table_remove (self->calls, call);

  limit_advance (self);
}

/* The calls of the client that wait are sent: the plugin does not bound them any more. */
static void
tornadis_limit_plugin_detach (TornadisPlugin *plugin,
                              TornadisClient *client)
{
  TornadisLimitPlugin *self = (TornadisLimitPlugin *) plugin;
  LimitedCall *limited;

  while ((limited = fair_queue_pop_of (&self->queue, client)) != NULL)
    {
      g_autoptr (TornadisCall) call = limited->call;

      limit_begin (self, limited->cost, g_get_monotonic_time ());
      tornadis_call_proceed (call);
    }

  limit_advance (self);
}

static void
tornadis_limit_plugin_get_property (GObject *object,
                                    guint prop_id,
                                    GValue *value,
                                    GParamSpec *pspec)
{
  TornadisLimitPlugin *self = (TornadisLimitPlugin *) object;

  switch ((TornadisLimitPluginProperty) prop_id)
    {
    case PROP_MAX_IN_FLIGHT:
      g_value_set_uint (value, self->max_in_flight);
      break;
    case PROP_MAX_PER_SECOND:
      g_value_set_double (value, self->bucket.per_second);
      break;
    case PROP_BURST:
      g_value_set_uint (value, self->bucket.burst);
      break;
    case PROP_MAX_QUEUED:
      g_value_set_uint (value, self->max_queued);
      break;
    case PROP_ERROR_RATE:
      g_value_set_double (value, self->breaker.error_rate);
      break;
    case PROP_MIN_CALLS:
      g_value_set_uint (value, self->breaker.min_calls);
      break;
    case PROP_WINDOW_MSEC:
      g_value_set_uint (value, self->breaker.window_msec);
      break;
    case PROP_OPEN_MSEC:
      g_value_set_uint (value, self->breaker.open_msec);
      break;
    case PROP_MAX_OPEN_MSEC:
      g_value_set_uint (value, self->breaker.max_open_msec);
      break;
    case PROP_PROBES:
      g_value_set_uint (value, self->breaker.probes);
      break;
    case PROP_STATE:
      g_value_set_enum (value, (int) self->breaker.state);
      break;
    case PROP_IN_FLIGHT:
      g_value_set_uint (value, self->in_flight);
      break;
    case PROP_QUEUED:
      g_value_set_uint (value, self->queue.length);
      break;
    case PROP_REFUSED:
      g_value_set_uint64 (value, self->refused);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_limit_plugin_set_property (GObject *object,
                                    guint prop_id,
                                    const GValue *value,
                                    GParamSpec *pspec)
{
  TornadisLimitPlugin *self = (TornadisLimitPlugin *) object;

  switch ((TornadisLimitPluginProperty) prop_id)
    {
    case PROP_MAX_IN_FLIGHT:
      self->max_in_flight = g_value_get_uint (value);
      break;
    case PROP_MAX_PER_SECOND:
      self->bucket.per_second = g_value_get_double (value);
      break;
    case PROP_BURST:
      self->bucket.burst = g_value_get_uint (value);
      break;
    case PROP_MAX_QUEUED:
      self->max_queued = g_value_get_uint (value);
      break;
    case PROP_ERROR_RATE:
      self->breaker.error_rate = g_value_get_double (value);
      if (self->breaker.error_rate <= 0)
        circuit_breaker_reset (&self->breaker);
      break;
    case PROP_MIN_CALLS:
      self->breaker.min_calls = g_value_get_uint (value);
      break;
    case PROP_WINDOW_MSEC:
      circuit_breaker_set_window (&self->breaker, g_value_get_uint (value));
      break;
    case PROP_OPEN_MSEC:
      self->breaker.open_msec = g_value_get_uint (value);
      break;
    case PROP_MAX_OPEN_MSEC:
      self->breaker.max_open_msec = g_value_get_uint (value);
      break;
    case PROP_PROBES:
      self->breaker.probes = g_value_get_uint (value);
      break;
    case PROP_STATE:
    case PROP_IN_FLIGHT:
    case PROP_QUEUED:
    case PROP_REFUSED:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }

  limit_notify_state (self);
  /* Calls that wait may be sent now, but not from within this function. */
  if (self->queue.length > 0)
    alarm_set (&self->alarm, g_get_monotonic_time ());
}

static void
tornadis_limit_plugin_finalize (GObject *object)
{
  TornadisLimitPlugin *self = (TornadisLimitPlugin *) object;

  alarm_clear (&self->alarm);
  fair_queue_clear (&self->queue);
  g_hash_table_unref (self->calls);

  G_OBJECT_CLASS (tornadis_limit_plugin_parent_class)->finalize (object);
}

static void
tornadis_limit_plugin_class_init (TornadisLimitPluginClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TornadisPluginClass *plugin_class = TORNADIS_PLUGIN_CLASS (klass);
  const GParamFlags set_by_user = G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS;
  const GParamFlags read_only = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = tornadis_limit_plugin_get_property;
  object_class->set_property = tornadis_limit_plugin_set_property;
  object_class->finalize = tornadis_limit_plugin_finalize;
  plugin_class->call = tornadis_limit_plugin_call;
  plugin_class->call_done = tornadis_limit_plugin_call_done;
  plugin_class->detach = tornadis_limit_plugin_detach;

  /* How many commands may be in flight, those of all clients together; 0: any number. A blocking command counts while it
   * lasts. */
  props[PROP_MAX_IN_FLIGHT] = g_param_spec_uint ("max-in-flight", NULL, NULL, 0, G_MAXUINT, 0, set_by_user);
  /* How many commands may be sent in a second; 0: any number. */
  props[PROP_MAX_PER_SECOND] = g_param_spec_double ("max-per-second", NULL, NULL, 0, 1e9, 0, set_by_user);
  /* How many commands may be sent at once after a pause, at least those of 10 milliseconds. */
  props[PROP_BURST] = g_param_spec_uint ("burst", NULL, NULL, 1, G_MAXUINT, 1, set_by_user);
  /* How many calls may wait; others are refused. */
  props[PROP_MAX_QUEUED] = g_param_spec_uint ("max-queued", NULL, NULL, 0, G_MAXUINT, 10000, set_by_user);
  /* The share of failures that opens the circuit; 0: it stays closed. */
  props[PROP_ERROR_RATE] = g_param_spec_double ("error-rate", NULL, NULL, 0, 1, 0, set_by_user);
  /* Fewer calls than this do not open it. */
  props[PROP_MIN_CALLS] = g_param_spec_uint ("min-calls", NULL, NULL, 1, G_MAXUINT, 20, set_by_user);
  /* The time in which calls and failures are counted, in milliseconds. */
  props[PROP_WINDOW_MSEC] = g_param_spec_uint ("window-msec", NULL, NULL, 10, G_MAXINT, 10000, set_by_user);
  /* How long it stays open at first, in milliseconds; twice as long after each probe that failed. */
  props[PROP_OPEN_MSEC] = g_param_spec_uint ("open-msec", NULL, NULL, 1, G_MAXINT, 5000, set_by_user);
  /* How long it stays open at most, in milliseconds. */
  props[PROP_MAX_OPEN_MSEC] = g_param_spec_uint ("max-open-msec", NULL, NULL, 1, G_MAXINT, 60000, set_by_user);
  /* How many calls must succeed to close it again. */
  props[PROP_PROBES] = g_param_spec_uint ("probes", NULL, NULL, 1, G_MAXUINT, 1, set_by_user);
  /* The state of the circuit; changes are notified. */
  props[PROP_STATE] = g_param_spec_enum ("state", NULL, NULL, TORNADIS_TYPE_CIRCUIT_STATE, CIRCUIT_CLOSED,
                                         read_only | G_PARAM_EXPLICIT_NOTIFY);
  /* How many commands are in flight, how many calls wait, and how many calls were refused; they change too often to be
   * notified. */
  props[PROP_IN_FLIGHT] = g_param_spec_uint ("in-flight", NULL, NULL, 0, G_MAXUINT, 0, read_only);
  props[PROP_QUEUED] = g_param_spec_uint ("queued", NULL, NULL, 0, G_MAXUINT, 0, read_only);
  props[PROP_REFUSED] = g_param_spec_uint64 ("refused", NULL, NULL, 0, G_MAXUINT64, 0, read_only);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);
}

static void
tornadis_limit_plugin_init (TornadisLimitPlugin *self)
{
  self->calls = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  fair_queue_init (&self->queue);
  self->alarm.func = alarm_cb;
  self->alarm.user_data = self;
}

/* What the registry looks for in libtornadis-limit.so. */
G_MODULE_EXPORT void tornadis_limit_plugin_register (void);

void
tornadis_limit_plugin_register (void)
{
  tornadis_plugin_register ("limit", TORNADIS_TYPE_LIMIT_PLUGIN);
}
