/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "matrix/fake-resolver.h"

struct _FakeResolver
{
  GResolver parent_instance;

  char **addresses; /* (owned) */
  gboolean silent;
  guint n_asked;
};

G_DEFINE_FINAL_TYPE (FakeResolver, fake_resolver, G_TYPE_RESOLVER)

static void
fake_resolver_finalize (GObject *object)
{
  g_strfreev (FAKE_RESOLVER (object)->addresses);

  G_OBJECT_CLASS (fake_resolver_parent_class)->finalize (object);
}

static void
free_addresses (gpointer addresses)
{
  g_resolver_free_addresses (addresses);
}

static gboolean
is_wanted (GInetAddress *address,
           GResolverNameLookupFlags flags)
{
  GSocketFamily family = g_inet_address_get_family (address);

  return !((flags & G_RESOLVER_NAME_LOOKUP_FLAGS_IPV4_ONLY) != 0 && family != G_SOCKET_FAMILY_IPV4) &&
         !((flags & G_RESOLVER_NAME_LOOKUP_FLAGS_IPV6_ONLY) != 0 && family != G_SOCKET_FAMILY_IPV6);
}

static gboolean
cancelled_cb (GCancellable *cancellable,
              gpointer user_data)
{
  g_task_return_error_if_cancelled (user_data);
  g_object_unref (user_data);
  return G_SOURCE_REMOVE;
}

/* A task that ends only when it is cancelled, and not within the cancelling. */
static void
wait_for_ever (GTask *task)
{
  g_autoptr (GSource) source = g_cancellable_source_new (g_task_get_cancellable (task));

  g_task_attach_source (task, source, G_SOURCE_FUNC (cancelled_cb));
}

static void
fake_resolver_lookup_async (GResolver *resolver,
                            const char *hostname,
                            GResolverNameLookupFlags flags,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  FakeResolver *self = FAKE_RESOLVER (resolver);
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  GList *found = NULL;

  self->n_asked++;
  if (self->silent)
    {
      wait_for_ever (task);
      return;
    }

  for (guint i = 0; self->addresses != NULL && self->addresses[i] != NULL; i++)
    {
      g_autoptr (GInetAddress) address = g_inet_address_new_from_string (self->addresses[i]);

      if (is_wanted (address, flags))
        found = g_list_append (found, g_steal_pointer (&address));
    }
  if (found != NULL)
    g_task_return_pointer (task, found, free_addresses);
  else
    g_task_return_new_error (task, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, "Nobody knows %s", hostname);
  g_object_unref (task);
}

static GList *
fake_resolver_lookup_finish (GResolver *resolver,
                             GAsyncResult *result,
                             GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
fake_resolver_lookup_all_async (GResolver *resolver,
                                const char *hostname,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  fake_resolver_lookup_async (resolver, hostname, G_RESOLVER_NAME_LOOKUP_FLAGS_DEFAULT, cancellable, callback, user_data);
}

static void
fake_resolver_class_init (FakeResolverClass *klass)
{
  GResolverClass *resolver_class = G_RESOLVER_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = fake_resolver_finalize;
  resolver_class->lookup_by_name_async = fake_resolver_lookup_all_async;
  resolver_class->lookup_by_name_finish = fake_resolver_lookup_finish;
  resolver_class->lookup_by_name_with_flags_async = fake_resolver_lookup_async;
  resolver_class->lookup_by_name_with_flags_finish = fake_resolver_lookup_finish;
}

static void
fake_resolver_init (FakeResolver *self)
{
}

FakeResolver *
fake_resolver_install (void)
{
  static FakeResolver *resolver;

  if (resolver == NULL)
    {
      resolver = g_object_new (FAKE_TYPE_RESOLVER, NULL);
      g_resolver_set_default (G_RESOLVER (resolver));
    }

  return resolver;
}

void
fake_resolver_set_addresses (FakeResolver *self,
                             const char *const *addresses)
{
  g_strfreev (self->addresses);
  self->addresses = g_strdupv ((char **) addresses);
}

void
fake_resolver_set_silent (FakeResolver *self,
                          gboolean silent)
{
  self->silent = silent;
}

guint
fake_resolver_get_n_asked (FakeResolver *self)
{
  return self->n_asked;
}
