/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-connectable.h"

#include <tornadis-glib/tornadis-glib.h>

#include "common/uri-hosts.h"

/* The addresses when there is nobody who chooses any more. */
#define CLUSTER_TYPE_NOWHERE (cluster_nowhere_get_type ())
G_DECLARE_FINAL_TYPE (ClusterNowhere, cluster_nowhere, CLUSTER, NOWHERE, GSocketAddressEnumerator)

struct _ClusterNowhere
{
  GSocketAddressEnumerator parent_instance;
};

G_DEFINE_FINAL_TYPE (ClusterNowhere, cluster_nowhere, G_TYPE_SOCKET_ADDRESS_ENUMERATOR)

static GSocketAddress *
cluster_nowhere_next (GSocketAddressEnumerator *enumerator,
                      GCancellable *cancellable,
                      GError **error)
{
  g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "the plugin was removed");
  return NULL;
}

static void
cluster_nowhere_class_init (ClusterNowhereClass *klass)
{
  G_SOCKET_ADDRESS_ENUMERATOR_CLASS (klass)->next = cluster_nowhere_next;
}

static void
cluster_nowhere_init (ClusterNowhere *self)
{
}

struct _ClusterConnectable
{
  GObject parent_instance;

  char *title;              /* (owned) */
  ClusterChooseFunc choose; /* (nullable) */
  gpointer user_data;       /* (unowned) */
  GNetworkAddress *fixed;   /* (owned) (nullable) */
};

static GSocketAddressEnumerator *
enumerate_anew (GNetworkAddress *node)
{
  g_autoptr (GSocketConnectable) anew = uri_host_renew (node);

  return g_socket_connectable_enumerate (anew);
}

static GSocketAddressEnumerator *
cluster_connectable_enumerate (GSocketConnectable *connectable)
{
  ClusterConnectable *self = CLUSTER_CONNECTABLE (connectable);
  g_autoptr (GNetworkAddress) chosen = self->choose != NULL ? self->choose (self->user_data) : NULL;

  if (self->fixed != NULL)
    return enumerate_anew (self->fixed);
  if (chosen != NULL)
    return enumerate_anew (chosen);

  return g_object_new (CLUSTER_TYPE_NOWHERE, NULL);
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

  g_clear_object (&self->fixed);
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

  self->fixed = g_object_ref (node);

  return self;
}

void
cluster_connectable_close (ClusterConnectable *self)
{
  self->choose = NULL;
  self->user_data = NULL;
}
