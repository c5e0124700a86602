/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gmodule.h>

#include "cache/cache-calls.h"
#include "cache/cache-request.h"

/* Keeps the replies of reads for as long as the server does not say that their keys have changed: server-assisted
 * client-side caching. See README.md for what is kept, and what order is guaranteed.
 *
 * The server's invalidations come on the connection itself in RESP3 (CLIENT TRACKING), and for RESP2 on one more connection.
 * Tracking is asked for when a connection is up, not while it is made: if the server refuses there is no cache, but a
 * connection all the same. */

#define DEFAULT_MAX_BYTES (16 * 1024 * 1024)
#define DEFAULT_PING_INTERVAL_MSEC 30000

#define TORNADIS_TYPE_CACHE_PLUGIN (tornadis_cache_plugin_get_type ())
G_DECLARE_FINAL_TYPE (TornadisCachePlugin, tornadis_cache_plugin, TORNADIS, CACHE_PLUGIN, TornadisPlugin)

struct _TornadisCachePlugin
{
  TornadisPlugin parent_instance;

  CacheStore *store;       /* (owned) */
  CommandTable *table;     /* (owned) */
  CacheTracking *tracking; /* (owned) */
  CacheCalls *calls;       /* (owned) */
  guint64 max_bytes;
  guint ttl_msec;
  guint ping_interval_msec;
  char **commands;     /* (owned) (nullable) */
  char **keys;         /* (owned) (nullable) */
  char **exclude_keys; /* (owned) (nullable) */
  char *problem;       /* (owned) (nullable) */
};

G_DEFINE_FINAL_TYPE (TornadisCachePlugin, tornadis_cache_plugin, TORNADIS_TYPE_PLUGIN)

typedef enum
{
  PROP_MAX_BYTES = 1,
  PROP_TTL_MSEC,
  PROP_PING_INTERVAL_MSEC,
  PROP_COMMANDS,
  PROP_KEYS,
  PROP_EXCLUDE_KEYS,
  PROP_CONNECTIONS,
  PROP_PROBLEM,
  PROP_HITS,
  PROP_MISSES,
  PROP_SHARED,
  PROP_INVALIDATIONS,
  PROP_EVICTIONS,
  PROP_BYTES,
  PROP_ENTRIES,
} TornadisCachePluginProperty;

static GParamSpec *props[PROP_ENTRIES + 1];

/* The callbacks of the connections. */

static void
flush_cb (gpointer user_data)
{
  cache_calls_flush (((TornadisCachePlugin *) user_data)->calls);
}

static void
lost_cb (CacheLink *link,
         gpointer user_data)
{
  cache_calls_end_queued (((TornadisCachePlugin *) user_data)->calls, link);
}

static void
problem_cb (const char *problem,
            gpointer user_data)
{
  TornadisCachePlugin *self = user_data;

  if (g_strcmp0 (problem, self->problem) == 0)
    return;

  g_free (self->problem);
  self->problem = g_strdup (problem);
  if (problem != NULL)
    g_debug ("Nothing is cached: %s", problem);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_PROBLEM]);
}

/* The hooks. */

static gboolean
tornadis_cache_plugin_attach (TornadisPlugin *plugin,
                              TornadisClient *client,
                              GError **error)
{
  TornadisCachePlugin *self = (TornadisCachePlugin *) plugin;

  /* A pub/sub client makes no calls; the plugin is on its own one for the pushes. */
  if (!TORNADIS_IS_PUB_SUB_CLIENT (client))
    cache_tracking_attach (self->tracking, client);

  return TRUE;
}

static void
tornadis_cache_plugin_detach (TornadisPlugin *plugin,
                              TornadisClient *client)
{
  TornadisCachePlugin *self = (TornadisCachePlugin *) plugin;
  CacheLink *link = cache_tracking_lookup (self->tracking, client);

  if (link == NULL)
    return;

  g_rc_box_acquire (link);
  cache_tracking_detach (self->tracking, client);
  cache_calls_drop_link (self->calls, link);
  cache_link_unref (link);
}

static gboolean
tornadis_cache_plugin_call (TornadisPlugin *plugin,
                            TornadisCall *call)
{
  return cache_calls_begin (((TornadisCachePlugin *) plugin)->calls, call);
}

static void
tornadis_cache_plugin_call_done (TornadisPlugin *plugin,
                                 TornadisCall *call)
{
  cache_calls_done (((TornadisCachePlugin *) plugin)->calls, call);
}

/* Called just before call_done, unless a plugin in between holds the outcome. */
static void
tornadis_cache_plugin_observe (TornadisPlugin *plugin,
                               TornadisClient *client,
                               TornadisCommand *command,
                               TornadisPipeline *pipeline,
                               TornadisReply *reply,
                               const GError *error,
                               gint64 elapsed)
{
  cache_calls_observe (((TornadisCachePlugin *) plugin)->calls, command);
}

static gboolean
tornadis_cache_plugin_push (TornadisPlugin *plugin,
                            TornadisReply *push)
{
  return cache_calls_push (((TornadisCachePlugin *) plugin)->calls, push);
}

static void
tornadis_cache_plugin_clear (TornadisCachePlugin *self)
{
  cache_calls_flush (self->calls);
}

static void
tornadis_cache_plugin_get_property (GObject *object,
                                    guint prop_id,
                                    GValue *value,
                                    GParamSpec *pspec)
{
  TornadisCachePlugin *self = (TornadisCachePlugin *) object;
  const CacheCounts *counts = cache_calls_get_counts (self->calls);

  switch ((TornadisCachePluginProperty) prop_id)
    {
    case PROP_MAX_BYTES:
      g_value_set_uint64 (value, self->max_bytes);
      break;
    case PROP_TTL_MSEC:
      g_value_set_uint (value, self->ttl_msec);
      break;
    case PROP_PING_INTERVAL_MSEC:
      g_value_set_uint (value, self->ping_interval_msec);
      break;
    case PROP_COMMANDS:
      g_value_set_boxed (value, self->commands != NULL ? (gconstpointer) self->commands : cache_default_commands);
      break;
    case PROP_KEYS:
      g_value_set_boxed (value, self->keys);
      break;
    case PROP_EXCLUDE_KEYS:
      g_value_set_boxed (value, self->exclude_keys);
      break;
    case PROP_CONNECTIONS:
      g_value_set_uint (value, cache_tracking_get_n_on (self->tracking));
      break;
    case PROP_PROBLEM:
      g_value_set_string (value, self->problem);
      break;
    case PROP_HITS:
      g_value_set_uint64 (value, counts->hits);
      break;
    case PROP_MISSES:
      g_value_set_uint64 (value, counts->misses);
      break;
    case PROP_SHARED:
      g_value_set_uint64 (value, counts->shared);
      break;
    case PROP_INVALIDATIONS:
      g_value_set_uint64 (value, counts->invalidations);
      break;
    case PROP_EVICTIONS:
      g_value_set_uint64 (value, cache_store_get_evictions (self->store));
      break;
    case PROP_BYTES:
      g_value_set_uint64 (value, cache_store_get_bytes (self->store));
      break;
    case PROP_ENTRIES:
      g_value_set_uint (value, cache_store_get_length (self->store));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
set_strv (char ***field,
          const GValue *value)
{
  g_strfreev (*field);
  *field = g_value_dup_boxed (value);
}

static void
tornadis_cache_plugin_set_property (GObject *object,
                                    guint prop_id,
                                    const GValue *value,
                                    GParamSpec *pspec)
{
  TornadisCachePlugin *self = (TornadisCachePlugin *) object;

  switch ((TornadisCachePluginProperty) prop_id)
    {
    case PROP_MAX_BYTES:
      self->max_bytes = g_value_get_uint64 (value);
      cache_store_set_max_bytes (self->store, self->max_bytes);
      break;
    case PROP_TTL_MSEC:
      self->ttl_msec = g_value_get_uint (value);
      cache_store_set_max_age (self->store, self->ttl_msec * G_TIME_SPAN_MILLISECOND);
      break;
    case PROP_PING_INTERVAL_MSEC:
      self->ping_interval_msec = g_value_get_uint (value);
      cache_tracking_set_interval (self->tracking, self->ping_interval_msec);
      break;
    case PROP_COMMANDS:
      set_strv (&self->commands, value);
      cache_calls_set_commands (self->calls, (const char *const *) self->commands);
      cache_calls_flush (self->calls);
      break;
    case PROP_KEYS:
    case PROP_EXCLUDE_KEYS:
      set_strv (prop_id == PROP_KEYS ? &self->keys : &self->exclude_keys, value);
      cache_calls_set_keys (self->calls, (const char *const *) self->keys, (const char *const *) self->exclude_keys);
      cache_calls_flush (self->calls);
      break;
    case PROP_CONNECTIONS:
    case PROP_PROBLEM:
    case PROP_HITS:
    case PROP_MISSES:
    case PROP_SHARED:
    case PROP_INVALIDATIONS:
    case PROP_EVICTIONS:
    case PROP_BYTES:
    case PROP_ENTRIES:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_cache_plugin_finalize (GObject *object)
{
  TornadisCachePlugin *self = (TornadisCachePlugin *) object;

  cache_tracking_free (self->tracking);
  cache_calls_free (self->calls);
  command_table_free (self->table);
  cache_store_free (self->store);
  g_strfreev (self->commands);
  g_strfreev (self->keys);
  g_strfreev (self->exclude_keys);
  g_free (self->problem);

  G_OBJECT_CLASS (tornadis_cache_plugin_parent_class)->finalize (object);
}

static void
tornadis_cache_plugin_class_init (TornadisCachePluginClass *klass)
{
  const GParamFlags read_write = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
  const GParamFlags read_only = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TornadisPluginClass *plugin_class = TORNADIS_PLUGIN_CLASS (klass);

  tornadis_plugin_class_set_description (TORNADIS_PLUGIN_CLASS (klass),
                                         "answers reads from memory, which the server keeps up to date");
  object_class->get_property = tornadis_cache_plugin_get_property;
  object_class->set_property = tornadis_cache_plugin_set_property;
  object_class->finalize = tornadis_cache_plugin_finalize;
  plugin_class->attach = tornadis_cache_plugin_attach;
  plugin_class->detach = tornadis_cache_plugin_detach;
  plugin_class->call = tornadis_cache_plugin_call;
  plugin_class->call_done = tornadis_cache_plugin_call_done;
  plugin_class->observe = tornadis_cache_plugin_observe;
  plugin_class->push = tornadis_cache_plugin_push;

  /* How much may be kept: replies, keys, and what it takes to find them. A reply that takes more than a quarter of it is
   * not kept. */
  props[PROP_MAX_BYTES] =
    g_param_spec_uint64 ("max-bytes", NULL, NULL, 0, G_MAXSIZE / 2, DEFAULT_MAX_BYTES, read_write);

  /* How long a reply is kept at most, in milliseconds; 0: as long as it is valid. */
  props[PROP_TTL_MSEC] =
    g_param_spec_uint ("ttl-msec", NULL, NULL, 0, G_MAXUINT, 0, read_write);

  /* How often a PING is sent on a connection on which nothing comes, in milliseconds; 0: never. One that does not answer
   * until the next time is not trusted any more. */
  props[PROP_PING_INTERVAL_MSEC] =
    g_param_spec_uint ("ping-interval-msec", NULL, NULL, 0, G_MAXINT, DEFAULT_PING_INTERVAL_MSEC, read_write);

  /* The commands whose replies are kept. Those that the server does not call read-only, that block or have no keys are
   * passed on all the same. NULL sets the default ones back. */
  props[PROP_COMMANDS] =
    g_param_spec_boxed ("commands", NULL, NULL, G_TYPE_STRV, read_write);

  /* Globs, with * and ?: a reply is kept when each of its keys matches one of them. Empty: any. */
  props[PROP_KEYS] =
    g_param_spec_boxed ("keys", NULL, NULL, G_TYPE_STRV, read_write);

  /* Globs: a reply is not kept when one of its keys matches any of them. */
  props[PROP_EXCLUDE_KEYS] =
    g_param_spec_boxed ("exclude-keys", NULL, NULL, G_TYPE_STRV, read_write);

  /* For how many connections the server announces changed keys at this time. */
  props[PROP_CONNECTIONS] =
    g_param_spec_uint ("connections", NULL, NULL, 0, G_MAXUINT, 0, read_only);

  /* Why the replies of a connection are not kept, or NULL. */
  props[PROP_PROBLEM] =
    g_param_spec_string ("problem", NULL, NULL, NULL, read_only);

  /* Calls that were answered without the server. */
  props[PROP_HITS] =
    g_param_spec_uint64 ("hits", NULL, NULL, 0, G_MAXUINT64, 0, read_only);

  /* Calls that were sent to the server and whose reply could be kept. */
  props[PROP_MISSES] =
    g_param_spec_uint64 ("misses", NULL, NULL, 0, G_MAXUINT64, 0, read_only);

  /* Calls that waited for the reply to another that was the same. */
  props[PROP_SHARED] =
    g_param_spec_uint64 ("shared", NULL, NULL, 0, G_MAXUINT64, 0, read_only);

  /* Keys that the server has announced as changed; all at once count as one. */
  props[PROP_INVALIDATIONS] =
    g_param_spec_uint64 ("invalidations", NULL, NULL, 0, G_MAXUINT64, 0, read_only);

  /* Replies that were dropped for lack of room, or because of their age. */
  props[PROP_EVICTIONS] =
    g_param_spec_uint64 ("evictions", NULL, NULL, 0, G_MAXUINT64, 0, read_only);

  /* How many bytes are taken by what is kept. */
  props[PROP_BYTES] =
    g_param_spec_uint64 ("bytes", NULL, NULL, 0, G_MAXUINT64, 0, read_only);

  /* How many replies are kept. */
  props[PROP_ENTRIES] =
    g_param_spec_uint ("entries", NULL, NULL, 0, G_MAXUINT, 0, read_only);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);

  /* Emit it to drop all that is kept. */
  g_signal_new_class_handler ("clear", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
                              G_CALLBACK (tornadis_cache_plugin_clear), NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
tornadis_cache_plugin_init (TornadisCachePlugin *self)
{
  static const CacheTrackingFuncs funcs = { flush_cb, lost_cb, problem_cb };

  self->store = cache_store_new ();
  self->table = command_table_new (TORNADIS_PLUGIN (self));
  self->tracking = cache_tracking_new (TORNADIS_PLUGIN (self), self->table, &funcs, self);
  self->calls = cache_calls_new (self->store, self->tracking, self->table);

  self->max_bytes = DEFAULT_MAX_BYTES;
  cache_store_set_max_bytes (self->store, self->max_bytes);
  self->ping_interval_msec = DEFAULT_PING_INTERVAL_MSEC;
  cache_tracking_set_interval (self->tracking, self->ping_interval_msec);
}

/* What the registry looks for in libtornadis-cache.so. */
G_MODULE_EXPORT void tornadis_cache_plugin_register (void);

void
tornadis_cache_plugin_register (void)
{
  tornadis_plugin_register ("cache", TORNADIS_TYPE_CACHE_PLUGIN);
}
