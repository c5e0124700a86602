/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "common/client-properties.h"

void
client_copy_named_properties (TornadisClient *from,
                              TornadisClient *to,
                              const char *const *names)
{
  for (; *names != NULL; names++)
    {
      g_auto (GValue) value = G_VALUE_INIT;

      g_object_get_property (G_OBJECT (from), *names, &value);
      g_object_set_property (G_OBJECT (to), *names, &value);
    }
}

/* The next attempt to connect has begun, or there will be none. */
static void
leave_cb (GObject *connectable,
          GParamSpec *pspec,
          TornadisClient *client)
{
  g_signal_handlers_disconnect_by_func (client, leave_cb, connectable);
  client_leave_connectable (client, G_SOCKET_CONNECTABLE (connectable));
}

void
client_leave_connectable (TornadisClient *client,
                          GSocketConnectable *connectable)
{
  g_autoptr (GSocketConnectable) present = NULL;
  TornadisClientState state;

  g_object_get (client, "connectable", &present, "state", &state, NULL);
  if (present != connectable)
    return;

  if (state == TORNADIS_CLIENT_STATE_WAITING)
    g_signal_connect_object (client, "notify::state", G_CALLBACK (leave_cb), connectable, G_CONNECT_SWAPPED);
  else
    g_object_set (client, "connectable", NULL, NULL);
}

static gboolean
is_copied (const GParamSpec *pspec)
{
  static const char *const others[] = { "host", "port", "unix-domain-socket", "connectable", "autoconnect",
                                        "call-timeout-msec", NULL };
  const GParamFlags both = G_PARAM_READABLE | G_PARAM_WRITABLE;

  return (pspec->flags & both) == both && (pspec->flags & (G_PARAM_CONSTRUCT_ONLY | G_PARAM_DEPRECATED)) == 0 &&
         pspec->owner_type == TORNADIS_TYPE_CLIENT && !g_strv_contains (others, pspec->name);
}

void
client_copy_properties (TornadisClient *from,
                        TornadisClient *to)
{
  guint n;
  g_autofree GParamSpec **pspecs = g_object_class_list_properties (G_OBJECT_GET_CLASS (from), &n);

  for (guint i = 0; i < n; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;

      if (!is_copied (pspecs[i]))
        continue;

      g_object_get_property (G_OBJECT (from), pspecs[i]->name, &value);
      if (!g_param_value_defaults (pspecs[i], &value))
        g_object_set_property (G_OBJECT (to), pspecs[i]->name, &value);
    }
}

void
client_copy_property (TornadisClient *from,
                      TornadisClient *to,
                      GParamSpec *pspec)
{
  g_auto (GValue) value = G_VALUE_INIT;

  if (!is_copied (pspec))
    return;

  g_object_get_property (G_OBJECT (from), pspec->name, &value);
  g_object_set_property (G_OBJECT (to), pspec->name, &value);
}
