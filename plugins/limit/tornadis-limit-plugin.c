/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gmodule.h>
#include <string.h>
#include <tornadis-glib/tornadis-glib.h>

#include "common/commands.h"
#include "limit/alarm.h"
#include "limit/circuit-breaker.h"
#include "limit/circuit-outcome.h"
#include "limit/fair-queue.h"
#include "limit/token-bucket.h"

/* Bounds the commands in flight and the commands per second of all its clients together. Calls beyond that wait in a queue
 * that is bounded itself and fair to the clients. A circuit breaker for each server refuses calls while that does not serve.
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
  CircuitBreaker model; /* has the settings of all breakers, and is never opened */

  GHashTable *circuits; /* (owned) (element-type utf8 Circuit) by title, unowned each */
  GHashTable *clients;  /* (owned) (element-type TornadisClient Circuit) those that it is on (unowned) */
  GHashTable *calls;    /* (owned) (element-type TornadisCall LimitedCall) all that wait or are in flight */
  FairQueue queue;      /* (element-type LimitedCall) those that wait */
  Alarm alarm;          /* for the bucket and the breakers */
  guint in_flight;      /* commands */
  guint64 refused;
  guint n_open; /* circuits that were not closed when they were looked at last */
  TornadisCircuitState notified_state;
  gboolean advancing; /* limit_advance() is on the stack */
};

/* Of one server: a GRcBox, of the clients that lead there and of the calls that were admitted. */
typedef struct
{
  TornadisLimitPlugin *limit; /* (unowned) */
  char *title;                /* (owned) */
  CircuitBreaker breaker;
  TornadisCircuitState notified_state;
} Circuit;

G_DEFINE_FINAL_TYPE (TornadisLimitPlugin, tornadis_limit_plugin, TORNADIS_TYPE_PLUGIN)

typedef struct
{
  FairItem item;
  TornadisCall *call; /* (unowned) held while it waits, and valid until call_done in any case */
  Circuit *circuit;   /* (owned) */
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
  PROP_OPEN_SERVERS,
  PROP_IN_FLIGHT,
  PROP_QUEUED,
  PROP_REFUSED,
} TornadisLimitPluginProperty;

static GParamSpec *props[PROP_REFUSED + 1];

static void
circuit_clear (gpointer data)
{
  Circuit *self = data;

  g_hash_table_remove (self->limit->circuits, self->title);
  self->limit->n_open -= self->notified_state != CIRCUIT_CLOSED;
  g_free (self->title);
}

static void
circuit_unref (gpointer data)
{
  g_rc_box_release_full (data, circuit_clear);
}

static void
limited_call_free (gpointer data)
{
  LimitedCall *self = data;

  circuit_unref (self->circuit);
  g_free (self);
}

/* That of the server that the client leads to (transfer full). */
static Circuit *
limit_take_circuit (TornadisLimitPlugin *self,
                    TornadisClient *client)
{
  g_autofree char *title = NULL;
  Circuit *circuit;

  g_object_get (client, "title", &title, NULL);
  circuit = g_hash_table_lookup (self->circuits, title);
  if (circuit != NULL)
    return g_rc_box_acquire (circuit);

  circuit = g_rc_box_new0 (Circuit);
  circuit->limit = self;
  circuit->breaker = self->model;
  circuit->title = g_steal_pointer (&title);
  g_hash_table_insert (self->circuits, circuit->title, circuit);

  return circuit;
}

/* In no order (element-type Circuit) (transfer full): a call that ends may have others go. */
static GPtrArray *
limit_list_circuits (TornadisLimitPlugin *self)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (circuit_unref);
  GHashTableIter iter;
  gpointer circuit;

  g_hash_table_iter_init (&iter, self->circuits);
  while (g_hash_table_iter_next (&iter, NULL, &circuit))
    g_ptr_array_add (list, g_rc_box_acquire (circuit));

  return list;
}

/* The worst of them. */
static TornadisCircuitState
limit_get_state (TornadisLimitPlugin *self)
{
  TornadisCircuitState state = CIRCUIT_CLOSED;
  GHashTableIter iter;
  gpointer circuit;

  g_hash_table_iter_init (&iter, self->circuits);
  while (g_hash_table_iter_next (&iter, NULL, &circuit))
    {
      TornadisCircuitState each = ((Circuit *) circuit)->breaker.state;

      if (each == CIRCUIT_OPEN || (each == CIRCUIT_HALF_OPEN && state == CIRCUIT_CLOSED))
        state = each;
    }

  return state;
}

static int
compare_titles (gconstpointer a,
                gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

/* The titles of those whose circuit is not closed (transfer full). */
static char **
limit_dup_open_servers (TornadisLimitPlugin *self)
{
  GPtrArray *titles = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer circuit;

  g_hash_table_iter_init (&iter, self->circuits);
  while (g_hash_table_iter_next (&iter, NULL, &circuit))
    if (((Circuit *) circuit)->breaker.state != CIRCUIT_CLOSED)
      g_ptr_array_add (titles, g_strdup (((Circuit *) circuit)->title));
  g_ptr_array_sort (titles, compare_titles);
  g_ptr_array_add (titles, NULL);

  return (char **) g_ptr_array_free (titles, FALSE);
}

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

/* The circuit may be in another state than before. */
static void
limit_notify_state (TornadisLimitPlugin *self,
                    Circuit *circuit)
{
  gboolean was_open = circuit->notified_state != CIRCUIT_CLOSED;
  gboolean is_open = circuit->breaker.state != CIRCUIT_CLOSED;
  TornadisCircuitState state;

  if (G_LIKELY (circuit->notified_state == circuit->breaker.state))
    return;

  circuit->notified_state = circuit->breaker.state;
  self->n_open += is_open;
  self->n_open -= was_open;
  state = limit_get_state (self);
  g_object_freeze_notify (G_OBJECT (self));
  if (is_open != was_open)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_OPEN_SERVERS]);
  if (self->notified_state != state)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_STATE]);
  self->notified_state = state;
  g_object_thaw_notify (G_OBJECT (self));
}

/* When the first of the circuits is to be looked at; 0: there is no need. */
static gint64
limit_get_circuit_time (TornadisLimitPlugin *self)
{
  gint64 first = 0;
  GHashTableIter iter;
  gpointer circuit;

  if (self->n_open == 0)
    return 0;

  g_hash_table_iter_init (&iter, self->circuits);
  while (g_hash_table_iter_next (&iter, NULL, &circuit))
    {
      gint64 at = circuit_breaker_get_time (&((Circuit *) circuit)->breaker);

      if (at != 0 && (first == 0 || at < first))
        first = at;
    }

  return first;
}

static void
limit_arm (TornadisLimitPlugin *self)
{
  LimitedCall *first = fair_queue_peek (&self->queue);
  gint64 at = first != NULL ? limit_get_time (self, first->cost, g_get_monotonic_time ()) : 0;
  gint64 update = limit_get_circuit_time (self);

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

  if (self->advancing)
    return;

  self->advancing = TRUE;
  while (n-- > 0 && (limited = fair_queue_peek (&self->queue)) != NULL)
    {
      gint64 now = g_get_monotonic_time ();
      TornadisCall *call = limited->call;

      if (!circuit_breaker_honours (&limited->circuit->breaker, limited->era))
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
  g_autoptr (TornadisLimitPlugin) alive G_GNUC_UNUSED = g_object_ref (self);
  g_autoptr (GPtrArray) circuits = limit_list_circuits (self);

  for (guint i = 0; i < circuits->len; i++)
    {
      Circuit *circuit = g_ptr_array_index (circuits, i);

      circuit_breaker_update (&circuit->breaker, g_get_monotonic_time ());
      limit_notify_state (self, circuit);
    }
  limit_advance (self);

  return G_SOURCE_CONTINUE;
}

static void
title_cb (TornadisLimitPlugin *self,
          GParamSpec *pspec,
          TornadisClient *client)
{
  g_hash_table_replace (self->clients, client, limit_take_circuit (self, client));
}

static gboolean
tornadis_limit_plugin_attach (TornadisPlugin *plugin,
                              TornadisClient *client,
                              GError **error)
{
  TornadisLimitPlugin *self = (TornadisLimitPlugin *) plugin;

  g_hash_table_replace (self->clients, client, limit_take_circuit (self, client));
  g_signal_connect_swapped (client, "notify::title", G_CALLBACK (title_cb), self);

  return TRUE;
}

static gboolean
tornadis_limit_plugin_call (TornadisPlugin *plugin,
                            TornadisCall *call)
{
  TornadisLimitPlugin *self = (TornadisLimitPlugin *) plugin;
  gint64 now = g_get_monotonic_time ();
  guint cost = call_get_n_commands (call);
  gboolean waits = self->queue.length > 0 || !limit_has_room (self, cost, now);
  Circuit *circuit = g_hash_table_lookup (self->clients, tornadis_call_get_client (call));
  LimitedCall *limited;
  guint era;

  /* The plugin was removed while one before it held the call. */
  if (circuit == NULL)
    return FALSE;

  if (waits && self->queue.length >= self->max_queued)
    {
      limit_refuse (self, call, "too many calls wait already");
      return TRUE;
    }

  if (!circuit_breaker_admit (&circuit->breaker, now, &era))
    {
      limit_refuse (self, call, "circuit open");
      return TRUE;
    }

  limited = g_new0 (LimitedCall, 1);
  limited->call = call;
  limited->circuit = g_rc_box_acquire (circuit);
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
  limit_notify_state (self, circuit);

  return waits;
}

/* A call that was refused is not among the calls any more. */
static void
tornadis_limit_plugin_call_done (TornadisPlugin *plugin,
                                 TornadisCall *call)
{
  TornadisLimitPlugin *self = (TornadisLimitPlugin *) plugin;
  g_autoptr (TornadisLimitPlugin) alive G_GNUC_UNUSED = g_object_ref (self);
  LimitedCall *limited = g_hash_table_lookup (self->calls, call);
  Circuit *circuit;

  if (limited == NULL)
    return;

  circuit = g_rc_box_acquire (limited->circuit);
  if (limited->item.owner != NULL)
    {
      fair_queue_remove (&self->queue, &limited->item);
      circuit_breaker_end (&circuit->breaker, limited->era, CIRCUIT_NO_OUTCOME, 0);
      g_object_unref (call);
    }
  else
    {
      self->in_flight -= limited->cost;
      circuit_breaker_end (&circuit->breaker, limited->era, circuit_outcome_of (call), g_get_monotonic_time ());
    }
  g_hash_table_remove (self->calls, call);

  limit_notify_state (self, circuit);
  circuit_unref (circuit);
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
  g_signal_handlers_disconnect_by_func (client, title_cb, self);
  g_hash_table_remove (self->clients, client);

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
      g_value_set_double (value, self->model.error_rate);
      break;
    case PROP_MIN_CALLS:
      g_value_set_uint (value, self->model.min_calls);
      break;
    case PROP_WINDOW_MSEC:
      g_value_set_uint (value, self->model.window_msec);
      break;
    case PROP_OPEN_MSEC:
      g_value_set_uint (value, self->model.open_msec);
      break;
    case PROP_MAX_OPEN_MSEC:
      g_value_set_uint (value, self->model.max_open_msec);
      break;
    case PROP_PROBES:
      g_value_set_uint (value, self->model.probes);
      break;
    case PROP_STATE:
      g_value_set_enum (value, (int) limit_get_state (self));
      break;
    case PROP_OPEN_SERVERS:
      g_value_take_boxed (value, limit_dup_open_servers (self));
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

/* All circuits have the settings of the model. */
static void
limit_set_circuits (TornadisLimitPlugin *self,
                    gboolean is_window)
{
  g_autoptr (GPtrArray) circuits = limit_list_circuits (self);

  for (guint i = 0; i < circuits->len; i++)
    {
      Circuit *circuit = g_ptr_array_index (circuits, i);
      CircuitBreaker *breaker = &circuit->breaker;

      breaker->error_rate = self->model.error_rate;
      breaker->min_calls = self->model.min_calls;
      breaker->open_msec = self->model.open_msec;
      breaker->max_open_msec = self->model.max_open_msec;
      breaker->probes = self->model.probes;
      if (is_window)
        circuit_breaker_set_window (breaker, self->model.window_msec);
      if (breaker->error_rate <= 0)
        circuit_breaker_reset (breaker);
      limit_notify_state (self, circuit);
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
      self->model.error_rate = g_value_get_double (value);
      break;
    case PROP_MIN_CALLS:
      self->model.min_calls = g_value_get_uint (value);
      break;
    case PROP_WINDOW_MSEC:
      self->model.window_msec = g_value_get_uint (value);
      break;
    case PROP_OPEN_MSEC:
      self->model.open_msec = g_value_get_uint (value);
      break;
    case PROP_MAX_OPEN_MSEC:
      self->model.max_open_msec = g_value_get_uint (value);
      break;
    case PROP_PROBES:
      self->model.probes = g_value_get_uint (value);
      break;
    case PROP_STATE:
    case PROP_OPEN_SERVERS:
    case PROP_IN_FLIGHT:
    case PROP_QUEUED:
    case PROP_REFUSED:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }

  limit_set_circuits (self, prop_id == PROP_WINDOW_MSEC);
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
  g_hash_table_unref (self->clients);
  g_hash_table_unref (self->circuits);

  G_OBJECT_CLASS (tornadis_limit_plugin_parent_class)->finalize (object);
}

static void
tornadis_limit_plugin_class_init (TornadisLimitPluginClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TornadisPluginClass *plugin_class = TORNADIS_PLUGIN_CLASS (klass);
  const GParamFlags set_by_user = G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS;
  const GParamFlags read_only = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  tornadis_plugin_class_set_description (TORNADIS_PLUGIN_CLASS (klass),
                                         "bounds the commands in flight and those a second; refuses calls while the server does not serve");
  object_class->get_property = tornadis_limit_plugin_get_property;
  object_class->set_property = tornadis_limit_plugin_set_property;
  object_class->finalize = tornadis_limit_plugin_finalize;
  plugin_class->attach = tornadis_limit_plugin_attach;
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
  /* The state of the circuit, of several the worst; changes are notified. */
  props[PROP_STATE] = g_param_spec_enum ("state", NULL, NULL, TORNADIS_TYPE_CIRCUIT_STATE, CIRCUIT_CLOSED,
                                         read_only | G_PARAM_EXPLICIT_NOTIFY);
  /* The servers whose circuit is not closed, by their titles; changes are notified. */
  props[PROP_OPEN_SERVERS] = g_param_spec_boxed ("open-servers", NULL, NULL, G_TYPE_STRV, read_only | G_PARAM_EXPLICIT_NOTIFY);
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
  self->circuits = g_hash_table_new (g_str_hash, g_str_equal);
  self->clients = g_hash_table_new_full (NULL, NULL, NULL, circuit_unref);
  self->calls = g_hash_table_new_full (NULL, NULL, NULL, limited_call_free);
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
