/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-connectable.h"

struct _ClusterConnectable
{
  GObject parent_instance;

  char *title;              /* (owned) */
  ClusterChooseFunc choose; /* (nullable) */
  gpointer user_data;       /* (unowned) */
  GNetworkAddress *chosen;  /* (owned) (nullable) */
};

static GSocketAddressEnumerator *
cluster_connectable_enumerate (GSocketConnectable *connectable)
{
  ClusterConnectable *self = CLUSTER_CONNECTABLE (connectable);

  if (self->choose != NULL)
    {
      g_clear_object (&self->chosen);
      self->chosen = self->choose (self->user_data);
    }
  else if (self->chosen == NULL)
    {
      /* The plugin was removed before the first attempt: the port that none listens on. */
      self->chosen = G_NETWORK_ADDRESS (g_network_address_new ("127.0.0.1", 0));
    }

  return g_socket_connectable_enumerate (G_SOCKET_CONNECTABLE (self->chosen));
}

static char *
cluster_connectable_to_string (GSocketConnectable *connectable)
{
  return g_strdup (CLUSTER_CONNECTABLE (connectable)->title);
}

static void
cluster_connectable_init_interface (GSocketConnectableIface *iface)
{
  iface->enumerate = cluster_connectable_enumerate;
  iface->to_string = cluster_connectable_to_string;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (ClusterConnectable, cluster_connectable, G_TYPE_OBJECT, G_IMPLEMENT_INTERFACE (G_TYPE_SOCKET_CONNECTABLE, cluster_connectable_init_interface))

static void
cluster_connectable_finalize (GObject *object)
{
  ClusterConnectable *self = CLUSTER_CONNECTABLE (object);

  g_clear_object (&self->chosen);
  g_free (self->title);

  G_OBJECT_CLASS (cluster_connectable_parent_class)->finalize (object);
}

static void
cluster_connectable_class_init (ClusterConnectableClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cluster_connectable_finalize;
}

static void
cluster_connectable_init (ClusterConnectable *self)
{
}

ClusterConnectable *
cluster_connectable_new (const char *title,
                         ClusterChooseFunc choose,
                         gpointer user_data)
{
  ClusterConnectable *self = g_object_new (CLUSTER_TYPE_CONNECTABLE, NULL);

  self->title = g_strdup (title);
  self->choose = choose;
  self->user_data = user_data;

  return self;
}

ClusterConnectable *
cluster_connectable_new_fixed (const char *title,
                               GNetworkAddress *node)
{
  ClusterConnectable *self = cluster_connectable_new (title, NULL, NULL);

  self->chosen = g_object_ref (node);

  return self;
}

void
cluster_connectable_close (ClusterConnectable *self)
{
  self->choose = NULL;
  self->user_data = NULL;
}
