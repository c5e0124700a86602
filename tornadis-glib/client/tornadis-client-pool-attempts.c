/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Clients of TornadisClientPool that are being connected, and who wants that. */

#include "tornadis-glib/client/tornadis-client-pool-private.h"

#include "tornadis-glib/wire/tornadis-cancel-watch.h"

static void
attempt_free (gpointer data)
{
  TornadisPoolAttempt *attempt = data;

  g_slist_free (attempt->preconnects);
  g_object_unref (attempt->cancellable);
  g_free (attempt);
}

GHashTable *
tornadis_client_pool_new_attempts (void)
{
  return g_hash_table_new_full (NULL, NULL, g_object_unref, attempt_free);
}

void
tornadis_client_pool_connect (TornadisClientPool *self,
                              TornadisClient *client,
                              GTask *preconnect,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  TornadisPoolAttempt *attempt = g_new (TornadisPoolAttempt, 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  *attempt = (TornadisPoolAttempt){ g_object_ref (cancellable), g_slist_prepend (NULL, preconnect), self->n_attempts++ };
  if (preconnect == NULL)
    g_clear_pointer (&attempt->preconnects, g_slist_free);
  g_hash_table_insert (self->connecting, client, attempt);
  g_main_context_push_thread_default (self->context);
  tornadis_client_connect_async (client, cancellable, callback, user_data);
  g_main_context_pop_thread_default (self->context);
}

/* The newest that no preconnecting wants; %NULL when there is none. */
static TornadisClient *
pool_find_newest (TornadisClientPool *self)
{
  const TornadisPoolAttempt *newest = NULL;
  TornadisClient *client = NULL;
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, self->connecting);
  while (g_hash_table_iter_next (&iter, &key, &value))
    {
      const TornadisPoolAttempt *attempt = value;

      if (attempt->preconnects == NULL && (newest == NULL || attempt->serial > newest->serial))
        {
          newest = attempt;
          client = key;
        }
    }

  return client;
}

void
tornadis_client_pool_give_up (TornadisClientPool *self,
                              const GError *reason)
{
  TornadisClient *newest;

  /* Who waits gets the first that is up: the oldest, for the most part. */
  while (g_hash_table_size (self->connecting) > self->waiters.length && (newest = pool_find_newest (self)) != NULL)
    {
      const TornadisPoolAttempt *attempt = g_hash_table_lookup (self->connecting, newest);
      g_autoptr (TornadisClient) client = g_object_ref (newest);
      g_autoptr (GCancellable) cancellable = g_object_ref (attempt->cancellable);

      /* First, since plugins and handlers run in the others: the place is free, and its callback knows that it is nobody's. */
      g_hash_table_remove (self->connecting, client);
      tornadis_cancel_watch_cancel (cancellable, reason);
      tornadis_client_pool_close_client (self, client);
    }

  tornadis_client_pool_serve (self);
}

void
tornadis_client_pool_leave_attempts (TornadisClientPool *self,
                                     GTask *preconnect)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->connecting);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      TornadisPoolAttempt *attempt = value;

      attempt->preconnects = g_slist_remove (attempt->preconnects, preconnect);
    }
}
