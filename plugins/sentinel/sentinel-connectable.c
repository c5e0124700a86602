/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sentinel/sentinel-connectable.h"

#include "common/uri-hosts.h"

struct _SentinelConnectable
{
  GObject parent_instance;

  SentinelMonitor *monitor; /* (unowned) (nullable) */
  TornadisClient *client;   /* (unowned) (nullable) like the monitor */
  char *name;               /* (owned) */
  SentinelRole role;
  GNetworkAddress *server; /* (owned) (nullable) */
  GHashTable *waiting;     /* (owned) (element-type GTask) those that have asked, each with a reference */

  /* What the last attempt was told, until a server agrees. */
  GNetworkAddress *told_by; /* (owned) (nullable) the sentinel */
  gint64 epoch;
  gboolean is_old;
};

/* Data of an address, which the library reads: whom the certificate has to be for. */
#define SERVER_IDENTITY "tornadis-server-identity"

/* The addresses of the servers, one server after the other. */
#define SENTINEL_TYPE_ENUMERATOR (sentinel_enumerator_get_type ())
G_DECLARE_FINAL_TYPE (SentinelEnumerator, sentinel_enumerator, SENTINEL, ENUMERATOR, GSocketAddressEnumerator)

struct _SentinelEnumerator
{
  GSocketAddressEnumerator parent_instance;

  SentinelConnectable *connectable;  /* (owned) */
  GPtrArray *servers;                /* (owned) (nullable) (element-type GNetworkAddress) until they are known, none */
  guint next;                        /* of them */
  GSocketAddressEnumerator *current; /* (owned) (nullable) of the one before */
  gboolean found;                    /* any address */
};

G_DEFINE_FINAL_TYPE (SentinelEnumerator, sentinel_enumerator, G_TYPE_SOCKET_ADDRESS_ENUMERATOR)

static void sentinel_enumerator_step (GTask *task);

static void
name_address (GSocketAddress *address,
              GNetworkAddress *server)
{
  g_object_set_data_full (G_OBJECT (address), SERVER_IDENTITY, uri_host_renew (server), g_object_unref);
}

/* (transfer full) task. */
static void
address_cb (GObject *object,
            GAsyncResult *result,
            gpointer user_data)
{
  GTask *task = user_data;
  SentinelEnumerator *self = g_task_get_source_object (task);
  g_autoptr (GError) error = NULL;
  GSocketAddress *address = g_socket_address_enumerator_next_finish (G_SOCKET_ADDRESS_ENUMERATOR (object), result, &error);

  if (address != NULL)
    {
      self->found = TRUE;
      name_address (address, g_ptr_array_index (self->servers, self->next - 1));
      g_task_return_pointer (task, address, g_object_unref);
      g_object_unref (task);
      return;
    }

  g_clear_object (&self->current);
  /* The name of one is not known, which may be so of all. */
  if (error != NULL && self->next == self->servers->len && !self->found)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      g_object_unref (task);
      return;
    }

  sentinel_enumerator_step (task);
}

/* (transfer full) task. */
static void
sentinel_enumerator_step (GTask *task)
{
  SentinelEnumerator *self = g_task_get_source_object (task);

  if (self->current == NULL && self->next == self->servers->len)
    {
      g_task_return_pointer (task, NULL, NULL);
      g_object_unref (task);
      return;
    }

  if (self->current == NULL)
    self->current = g_socket_connectable_enumerate (g_ptr_array_index (self->servers, self->next++));
  g_socket_address_enumerator_next_async (self->current, g_task_get_cancellable (task), address_cb, task);
}

/* (transfer full) task. */
static void
view_cb (const SentinelView *view,
         const GError *error,
         gpointer user_data)
{
  GTask *task = user_data;
  SentinelEnumerator *self = g_task_get_source_object (task);
  SentinelConnectable *connectable = self->connectable;

  g_hash_table_remove (connectable->waiting, task);
  if (view == NULL)
    {
      g_task_return_error (task, g_error_copy (error));
      g_object_unref (task);
      return;
    }

  self->servers = sentinel_view_get_servers (view, connectable->role);
  g_set_object (&connectable->told_by, view->sentinel);
  connectable->epoch = view->epoch;
  connectable->is_old = view->is_old;
  g_clear_object (&connectable->server);
  if (self->servers->len == 0)
    {
      g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT, "“%s” has no replica that can be read from%s%s%s",
                               connectable->name, view->reason != NULL ? " (" : "", view->reason != NULL ? view->reason : "",
                               view->reason != NULL ? ")" : "");
      g_object_unref (task);
      return;
    }

  if (connectable->role == SENTINEL_ROLE_MASTER)
    connectable->server = g_object_ref (view->master);
  sentinel_enumerator_step (task);
}

static void
connectable_ask (SentinelConnectable *self,
                 GTask *task)
{
  /* The attempt before has come to nothing, for whatever reason: another sentinel may know better. */
  if (self->told_by != NULL)
    sentinel_monitor_doubt (self->monitor, self->told_by);
  g_clear_object (&self->told_by);

  g_hash_table_add (self->waiting, task);
  sentinel_monitor_look (self->monitor, self->client, view_cb, task);
}

static void
sentinel_enumerator_next_async (GSocketAddressEnumerator *enumerator,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  SentinelEnumerator *self = SENTINEL_ENUMERATOR (enumerator);
  SentinelConnectable *connectable = self->connectable;
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_source_tag (task, sentinel_enumerator_next_async);

  if (self->servers != NULL)
    {
      sentinel_enumerator_step (task);
    }
  else if (connectable->monitor == NULL)
    {
      g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "the plugin was removed");
      g_object_unref (task);
    }
  else
    {
      connectable_ask (connectable, task);
    }
}

static GSocketAddress *
sentinel_enumerator_next_finish (GSocketAddressEnumerator *enumerator,
                                 GAsyncResult *result,
                                 GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static GSocketAddress *
sentinel_enumerator_next (GSocketAddressEnumerator *enumerator,
                          GCancellable *cancellable,
                          GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "Sentinels are asked asynchronously only");
  return NULL;
}

static void
sentinel_enumerator_dispose (GObject *object)
{
  SentinelEnumerator *self = SENTINEL_ENUMERATOR (object);

  g_clear_object (&self->connectable);
  g_clear_object (&self->current);
  g_clear_pointer (&self->servers, g_ptr_array_unref);

  G_OBJECT_CLASS (sentinel_enumerator_parent_class)->dispose (object);
}

static void
sentinel_enumerator_class_init (SentinelEnumeratorClass *klass)
{
  GSocketAddressEnumeratorClass *enumerator_class = G_SOCKET_ADDRESS_ENUMERATOR_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = sentinel_enumerator_dispose;
  enumerator_class->next = sentinel_enumerator_next;
  enumerator_class->next_async = sentinel_enumerator_next_async;
  enumerator_class->next_finish = sentinel_enumerator_next_finish;
}

static void
sentinel_enumerator_init (SentinelEnumerator *self)
{
}

static GSocketAddressEnumerator *
sentinel_connectable_enumerate (GSocketConnectable *connectable)
{
  SentinelEnumerator *enumerator = g_object_new (SENTINEL_TYPE_ENUMERATOR, NULL);

  enumerator->connectable = g_object_ref (SENTINEL_CONNECTABLE (connectable));

  return G_SOCKET_ADDRESS_ENUMERATOR (enumerator);
}

static char *
sentinel_connectable_to_string (GSocketConnectable *connectable)
{
  const SentinelConnectable *self = SENTINEL_CONNECTABLE (connectable);

  switch (self->role)
    {
    case SENTINEL_ROLE_REPLICA:
    case SENTINEL_ROLE_PREFER_REPLICA:
      return g_strdup_printf ("%s (replica)", self->name);
    case SENTINEL_ROLE_MASTER:
    default:
      return g_strdup (self->name);
    }
}

static void
sentinel_connectable_init_interface (GSocketConnectableIface *iface)
{
  iface->enumerate = sentinel_connectable_enumerate;
  iface->to_string = sentinel_connectable_to_string;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (SentinelConnectable, sentinel_connectable, G_TYPE_OBJECT, G_IMPLEMENT_INTERFACE (G_TYPE_SOCKET_CONNECTABLE, sentinel_connectable_init_interface))

static void
sentinel_connectable_finalize (GObject *object)
{
  SentinelConnectable *self = SENTINEL_CONNECTABLE (object);

  /* Each that waits keeps this. */
  g_assert (g_hash_table_size (self->waiting) == 0);
  g_hash_table_unref (self->waiting);
  g_clear_object (&self->told_by);
  g_clear_object (&self->server);
  g_free (self->name);

  G_OBJECT_CLASS (sentinel_connectable_parent_class)->finalize (object);
}

static void
sentinel_connectable_class_init (SentinelConnectableClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sentinel_connectable_finalize;
}

static void
sentinel_connectable_init (SentinelConnectable *self)
{
  self->waiting = g_hash_table_new (NULL, NULL);
}

SentinelConnectable *
sentinel_connectable_new (SentinelMonitor *monitor,
                          const char *name,
                          SentinelRole role,
                          TornadisClient *client)
{
  SentinelConnectable *self = g_object_new (SENTINEL_TYPE_CONNECTABLE, NULL);

  self->monitor = monitor;
  self->client = client;
  self->name = g_strdup (name);
  self->role = role;

  return self;
}

void
sentinel_connectable_close (SentinelConnectable *self)
{
  g_autoptr (SentinelConnectable) alive G_GNUC_UNUSED = g_object_ref (self);
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "the plugin was removed");
  g_autoptr (GList) waiting = g_hash_table_get_keys (self->waiting);

  for (GList *l = waiting; l != NULL; l = l->next)
    sentinel_monitor_forget (self->monitor, l->data);
  self->monitor = NULL;
  self->client = NULL;

  /* Each may call back at once, and what that does may be anything. */
  for (GList *l = waiting; l != NULL; l = l->next)
    view_cb (NULL, error, l->data);
}

void
sentinel_connectable_confirm (SentinelConnectable *self)
{
  if (self->told_by != NULL && self->monitor != NULL && self->role == SENTINEL_ROLE_MASTER)
    sentinel_monitor_confirm (self->monitor, self->epoch, self->is_old);
  g_clear_object (&self->told_by);
}

GNetworkAddress *
sentinel_connectable_get_server (SentinelConnectable *self)
{
  return self->server;
}
