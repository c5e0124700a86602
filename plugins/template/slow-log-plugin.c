/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Logs the calls that take longer than threshold-msec. */

#include <gmodule.h>
#include <tornadis-glib/tornadis-glib.h>

G_DECLARE_FINAL_TYPE (SlowLogPlugin, slow_log_plugin, SLOW_LOG, PLUGIN, TornadisPlugin)

struct _SlowLogPlugin
{
  TornadisPlugin parent_instance;

  guint threshold_msec;
  guint n_pending; /* calls that have not completed, of all clients */
};

G_DEFINE_FINAL_TYPE (SlowLogPlugin, slow_log_plugin, TORNADIS_TYPE_PLUGIN)

static gboolean
slow_log_plugin_call (TornadisPlugin *plugin, TornadisCall *call)
{
  SLOW_LOG_PLUGIN (plugin)->n_pending++;
  return FALSE;
}

static void
slow_log_plugin_call_done (TornadisPlugin *plugin, TornadisCall *call)
{
  SlowLogPlugin *self = SLOW_LOG_PLUGIN (plugin);
  gint64 elapsed = tornadis_call_get_elapsed (call);

  self->n_pending--;
  if (elapsed > self->threshold_msec * G_TIME_SPAN_MILLISECOND)
    g_message ("%s took %.1f ms, %u others are pending", tornadis_call_get_name (call), (double) elapsed / 1000,
               self->n_pending);
}

static void
slow_log_plugin_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  g_value_set_uint (value, SLOW_LOG_PLUGIN (object)->threshold_msec);
}

static void
slow_log_plugin_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  SLOW_LOG_PLUGIN (object)->threshold_msec = g_value_get_uint (value);
}

static void
slow_log_plugin_class_init (SlowLogPluginClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  tornadis_plugin_class_set_description (TORNADIS_PLUGIN_CLASS (klass), "logs calls that take long");
  object_class->get_property = slow_log_plugin_get_property;
  object_class->set_property = slow_log_plugin_set_property;
  TORNADIS_PLUGIN_CLASS (klass)->call = slow_log_plugin_call;
  TORNADIS_PLUGIN_CLASS (klass)->call_done = slow_log_plugin_call_done;
  g_object_class_install_property (object_class, 1,
                                   g_param_spec_uint ("threshold-msec", NULL, "How long a call may take without being logged",
                                                      0, G_MAXUINT, 100, G_PARAM_READWRITE | G_PARAM_CONSTRUCT));
}

static void
slow_log_plugin_init (SlowLogPlugin *self)
{
}

/* What the library looks for in libtornadis-slow-log.so. */
G_MODULE_EXPORT void tornadis_slow_log_plugin_register (void);

void
tornadis_slow_log_plugin_register (void)
{
  tornadis_plugin_register ("slow-log", slow_log_plugin_get_type ());
}
