/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "plugins/gauge.h"

#include <string.h>

typedef struct
{
  TornadisPluginClass parent_class;
} GaugeClass;

GType gauge_get_type (void);
G_DEFINE_TYPE (Gauge, gauge, TORNADIS_TYPE_PLUGIN)

static guint
get_size (TornadisCall *call)
{
  TornadisPipeline *pipeline = tornadis_call_get_pipeline (call);

  return pipeline != NULL ? tornadis_pipeline_get_number_of_stacked_calls (pipeline) : 1;
}

static gboolean
gauge_call (TornadisPlugin *plugin,
            TornadisCall *call)
{
  Gauge *self = (Gauge *) plugin;
  TornadisCommand *command = tornadis_call_get_command (call);
  g_autoptr (GError) reason = tornadis_call_dup_error (call);

  self->calls++;
  self->reasons += tornadis_call_get_attempt (call) > 1 && reason != NULL;
  self->n += get_size (call);
  self->max = MAX (self->max, self->n);
  if (command != NULL && tornadis_command_get_n_args (command) > 1)
    {
      g_autoptr (GBytes) arg = tornadis_command_get_arg (command, 1);

      g_string_append_len (self->log, g_bytes_get_data (arg, NULL), (gssize) g_bytes_get_size (arg));
      g_string_append_c (self->log, ' ');
    }

  if (self->answers)
    {
      g_autoptr (GBytes) resp = g_bytes_new_static ("+gauge\r\n", 8);
      g_autoptr (TornadisReply) reply = tornadis_reply_new_from_resp (resp, NULL);

      tornadis_call_return_reply (call, reply);
    }

  return self->answers;
}

static void
gauge_call_done (TornadisPlugin *plugin,
                 TornadisCall *call)
{
  ((Gauge *) plugin)->n -= get_size (call);
}

static void
gauge_finalize (GObject *object)
{
  g_string_free (((Gauge *) object)->log, TRUE);
  G_OBJECT_CLASS (gauge_parent_class)->finalize (object);
}

static void
gauge_class_init (GaugeClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = gauge_finalize;
  TORNADIS_PLUGIN_CLASS (klass)->call = gauge_call;
  TORNADIS_PLUGIN_CLASS (klass)->call_done = gauge_call_done;
}

static void
gauge_init (Gauge *self)
{
  self->log = g_string_new (NULL);
}

Gauge *
gauge_new (void)
{
  return g_object_new (gauge_get_type (), NULL);
}

void
gauge_add (Gauge *self,
           TornadisClient *client)
{
  gboolean added = tornadis_client_add_plugin (client, TORNADIS_PLUGIN (self), NULL);

  g_assert_true (added);
}

void
gauge_take_off (Gauge *self,
                TornadisClient *client)
{
  gboolean removed = tornadis_client_remove_plugin (client, TORNADIS_PLUGIN (self));

  g_assert_true (removed);
}
