/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gmodule.h>
#include <tornadis-glib/tornadis-glib.h>

#include "common/outcome.h"

/* Logs one line for each call: server, command, time and outcome, but no argument and no reply.
 *
 *   localhost:6379 SET 0.184 ms ok
 *   localhost:6379 PIPELINE(3) 0.310 ms ok
 *   localhost:6379 LPUSH 0.150 ms WRONGTYPE
 */

#define TORNADIS_TYPE_LOG_PLUGIN (tornadis_log_plugin_get_type ())
G_DECLARE_FINAL_TYPE (TornadisLogPlugin, tornadis_log_plugin, TORNADIS, LOG_PLUGIN, TornadisPlugin)

struct _TornadisLogPlugin
{
  TornadisPlugin parent_instance;

  char *prefix; /* (owned) (nullable) */
};

G_DEFINE_FINAL_TYPE (TornadisLogPlugin, tornadis_log_plugin, TORNADIS_TYPE_PLUGIN)

typedef enum
{
  PROP_PREFIX = 1,
} TornadisLogPluginProperty;

static GParamSpec *props[PROP_PREFIX + 1];

static void
tornadis_log_plugin_call_done (TornadisPlugin *plugin,
                               TornadisCall *call)
{
  TornadisLogPlugin *self = (TornadisLogPlugin *) plugin;
  TornadisPipeline *pipeline = tornadis_call_get_pipeline (call);
  g_autoptr (GError) error = tornadis_call_dup_error (call);
  g_autofree char *outcome = outcome_describe (error);
  g_autofree char *title = outcome_dup_server (call);
  g_autofree char *count = NULL;

  if (pipeline != NULL)
    count = g_strdup_printf ("(%u)", tornadis_pipeline_get_number_of_stacked_calls (pipeline));

  g_message ("%s%s %s%s %.3f ms %s", self->prefix != NULL ? self->prefix : "", title, tornadis_call_get_name (call),
             count != NULL ? count : "", (double) tornadis_call_get_elapsed (call) / 1000, outcome);
}

static void
tornadis_log_plugin_get_property (GObject *object,
                                  guint prop_id,
                                  GValue *value,
                                  GParamSpec *pspec)
{
  TornadisLogPlugin *self = (TornadisLogPlugin *) object;

  switch ((TornadisLogPluginProperty) prop_id)
    {
    case PROP_PREFIX:
      g_value_set_string (value, self->prefix);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_log_plugin_set_property (GObject *object,
                                  guint prop_id,
                                  const GValue *value,
                                  GParamSpec *pspec)
{
  TornadisLogPlugin *self = (TornadisLogPlugin *) object;

  switch ((TornadisLogPluginProperty) prop_id)
    {
    case PROP_PREFIX:
      g_free (self->prefix);
      self->prefix = g_value_dup_string (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_log_plugin_finalize (GObject *object)
{
  g_free (((TornadisLogPlugin *) object)->prefix);

  G_OBJECT_CLASS (tornadis_log_plugin_parent_class)->finalize (object);
}

static void
tornadis_log_plugin_class_init (TornadisLogPluginClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  tornadis_plugin_class_set_description (TORNADIS_PLUGIN_CLASS (klass),
                                         "logs a line for each call: server, command, time, outcome");
  object_class->get_property = tornadis_log_plugin_get_property;
  object_class->set_property = tornadis_log_plugin_set_property;
  object_class->finalize = tornadis_log_plugin_finalize;
  TORNADIS_PLUGIN_CLASS (klass)->call_done = tornadis_log_plugin_call_done;

  /* What every line begins with. */
  props[PROP_PREFIX] =
    g_param_spec_string ("prefix", NULL, NULL, NULL, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);
}

static void
tornadis_log_plugin_init (TornadisLogPlugin *self)
{
}

/* What the registry looks for in libtornadis-log.so. */
G_MODULE_EXPORT void tornadis_log_plugin_register (void);

void
tornadis_log_plugin_register (void)
{
  tornadis_plugin_register ("log", TORNADIS_TYPE_LOG_PLUGIN);
}
