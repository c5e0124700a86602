/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A plugin with a property of every type. It answers the command “SHOW property” with the value. */

#include <string.h>

#include <tornadis-glib/tornadis-glib.h>

#define N_PROPS 17

typedef struct
{
  TornadisPlugin parent_instance;

  GValue values[N_PROPS]; /* (owned) */
} EveryTypePlugin;

typedef TornadisPluginClass EveryTypePluginClass;

static GType every_type_plugin_get_type (void);

G_DEFINE_TYPE (EveryTypePlugin, every_type_plugin, TORNADIS_TYPE_PLUGIN)

static void
every_type_plugin_get_property (GObject *object,
                                guint prop_id,
                                GValue *value,
                                GParamSpec *pspec)
{
  EveryTypePlugin *self = (EveryTypePlugin *) object;

  if (G_IS_VALUE (&self->values[prop_id]))
    g_value_copy (&self->values[prop_id], value);
}

static void
every_type_plugin_set_property (GObject *object,
                                guint prop_id,
                                const GValue *value,
                                GParamSpec *pspec)
{
  EveryTypePlugin *self = (EveryTypePlugin *) object;

  if (!G_IS_VALUE (&self->values[prop_id]))
    g_value_init (&self->values[prop_id], pspec->value_type);
  g_value_copy (value, &self->values[prop_id]);
}

static void
every_type_plugin_finalize (GObject *object)
{
  EveryTypePlugin *self = (EveryTypePlugin *) object;

  for (guint i = 0; i < N_PROPS; i++)
    if (G_IS_VALUE (&self->values[i]))
      g_value_unset (&self->values[i]);

  G_OBJECT_CLASS (every_type_plugin_parent_class)->finalize (object);
}

static gboolean
every_type_plugin_call (TornadisPlugin *plugin,
                        TornadisCall *call)
{
  TornadisCommand *command = tornadis_call_get_command (call);
  g_autoptr (GBytes) arg = NULL;
  g_autofree char *name = NULL;
  g_auto (GValue) value = G_VALUE_INIT;
  g_autofree char *text = NULL;
  g_autofree char *resp = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (TornadisReply) reply = NULL;

  if (g_strcmp0 (tornadis_call_get_name (call), "SHOW") != 0)
    return FALSE;

  arg = tornadis_command_get_arg (command, 1);
  name = g_strndup (g_bytes_get_data (arg, NULL), g_bytes_get_size (arg));
  g_object_get_property (G_OBJECT (plugin), name, &value);
  text = g_strdup_value_contents (&value);
  resp = g_strdup_printf ("$%" G_GSIZE_FORMAT "\r\n%s\r\n", strlen (text), text);
  bytes = g_bytes_new (resp, strlen (resp));
  reply = tornadis_reply_new_from_resp (bytes, NULL);
  tornadis_call_return_reply (call, reply);

  return TRUE;
}

static void
every_type_plugin_class_init (EveryTypePluginClass *klass)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamSpec *const props[N_PROPS] = {
    NULL,
    g_param_spec_boolean ("boolean", NULL, "A switch", FALSE, flags),
    g_param_spec_char ("char", NULL, NULL, -10, 10, 0, flags),
    g_param_spec_uchar ("uchar", NULL, NULL, 0, 255, 0, flags),
    g_param_spec_int ("int", NULL, NULL, -100, 100, 7, flags),
    g_param_spec_uint ("uint", NULL, NULL, 0, G_MAXUINT, 0, flags),
    g_param_spec_long ("long", NULL, NULL, G_MINLONG, G_MAXLONG, 0, flags),
    g_param_spec_ulong ("ulong", NULL, NULL, 0, G_MAXULONG, 0, flags),
    g_param_spec_int64 ("int64", NULL, NULL, G_MININT64, G_MAXINT64, 0, flags),
    g_param_spec_uint64 ("uint64", NULL, NULL, 0, G_MAXUINT64, 0, flags),
    g_param_spec_float ("float", NULL, NULL, 0, 1, 0, flags),
    g_param_spec_double ("double", NULL, NULL, -1e9, 1e9, 0, flags),
    g_param_spec_enum ("enum", NULL, NULL, TORNADIS_TYPE_PROTOCOL, TORNADIS_PROTOCOL_AUTO, flags),
    g_param_spec_flags ("flags", NULL, NULL, G_TYPE_BINDING_FLAGS, 0, flags),
    g_param_spec_string ("construct-only", NULL, NULL, "as made", flags | G_PARAM_CONSTRUCT_ONLY),
    g_param_spec_boxed ("strv", NULL, NULL, G_TYPE_STRV, flags),
    g_param_spec_object ("object", NULL, NULL, G_TYPE_OBJECT, flags),
  };

  object_class->get_property = every_type_plugin_get_property;
  tornadis_plugin_class_set_description (TORNADIS_PLUGIN_CLASS (klass), "has a property of \"every\" type");
  object_class->set_property = every_type_plugin_set_property;
  object_class->finalize = every_type_plugin_finalize;
  TORNADIS_PLUGIN_CLASS (klass)->call = every_type_plugin_call;

  for (guint i = 1; i < N_PROPS; i++)
    g_object_class_install_property (object_class, i, props[i]);
}

static void
every_type_plugin_init (EveryTypePlugin *self)
{
}

__attribute__ ((visibility ("default"))) void tornadis_every_type_plugin_register (void);

void
tornadis_every_type_plugin_register (void)
{
  tornadis_plugin_register ("every-type", every_type_plugin_get_type ());
}
