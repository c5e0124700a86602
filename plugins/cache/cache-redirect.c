/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cache/cache-redirect.h"

#include "common/client-properties.h"

/* The channel of clients that cannot be sent pushes. Because of the subscription the client watches the connection and
 * makes it again; in RESP3 invalidations are pushes all the same. */
#define CHANNEL "__redis__:invalidate"

struct _CacheRedirect
{
  grefcount ref_count;      /* one more while it is subscribing */
  TornadisClient *client;   /* (owned) a TornadisPubSubClient */
  TornadisPlugin *plugin;   /* (unowned) */
  CacheRedirectFuncs funcs; /* all NULL once it is freed */
  gpointer user_data;       /* (unowned) */
  GCancellable *cancelled;  /* (owned) */
  gboolean subscribing;     /* or subscribed: from then on the client restores it */
};

static void
copy_properties (TornadisClient *from,
                 TornadisClient *to)
{
  static const char *const names[] = {
    "host",
    "port",
    "unix-domain-socket",
    "connectable",
    "username",
    "password",
    "credentials",
    "connect-timeout",
    "read-page-size",
    "tcp-nodelay",
    "busy-poll",
    "tcp-user-timeout-msec",
    "tls",
    "tls-database",
    "tls-certificate",
    "tls-server-identity",
    "proxy-resolver",
    "max-reply-size",
    NULL,
  };

  client_copy_named_properties (from, to, names);
}

gint64
cache_redirect_get_id (CacheRedirect *self)
{
  gint64 id;

  g_object_get (self->client, "connection-id", &id, NULL);
  return id;
}

static void
connected_cb (CacheRedirect *self)
{
  guint version;

  g_object_get (self->client, "protocol-version", &version, NULL);

  if (!tornadis_client_is_connected (self->client))
    self->funcs.lost (self, self->user_data);
  else if (version < 3 || cache_redirect_get_id (self) == 0)
    self->funcs.failed (self, "The server does not send pushes, or does not give the id of a connection", self->user_data);
  else
    self->funcs.ready (self, self->user_data);
}

static void
redirect_unref (CacheRedirect *self)
{
  if (!g_ref_count_dec (&self->ref_count))
    return;

  g_object_unref (self->client);
  g_object_unref (self->cancelled);
  g_free (self);
}

static void
subscribed_cb (GObject *object,
               GAsyncResult *result,
               gpointer user_data)
{
  CacheRedirect *self = user_data;
  g_autoptr (GError) error = NULL;

  if (!tornadis_pub_sub_client_subscribe_finish (TORNADIS_PUB_SUB_CLIENT (object), result, &error) &&
      self->funcs.failed != NULL)
    {
      self->subscribing = FALSE;
      self->funcs.failed (self, error->message, self->user_data);
    }

  redirect_unref (self);
}

/* Anybody may publish on the channel; nobody pops what comes. */
static void
message_cb (void)
{
}

void
cache_redirect_connect (CacheRedirect *self)
{
  if (self->subscribing)
    return;

  self->subscribing = TRUE;
  g_ref_count_inc (&self->ref_count);
  tornadis_pub_sub_client_subscribe_async (TORNADIS_PUB_SUB_CLIENT (self->client), (const char *[]){ CHANNEL, NULL },
                                           self->cancelled, subscribed_cb, self);
}

CacheRedirect *
cache_redirect_new (TornadisClient *client,
                    TornadisPlugin *plugin,
                    const CacheRedirectFuncs *funcs,
                    gpointer user_data)
{
  CacheRedirect *self = g_new0 (CacheRedirect, 1);

  g_ref_count_init (&self->ref_count);
  self->client = g_object_new (TORNADIS_TYPE_PUB_SUB_CLIENT, NULL);
  self->plugin = plugin;
  self->funcs = *funcs;
  self->user_data = user_data;
  self->cancelled = g_cancellable_new ();

  copy_properties (client, self->client);
  g_signal_connect_swapped (self->client, "notify::connected", G_CALLBACK (connected_cb), self);
  g_signal_connect_swapped (self->client, "message", G_CALLBACK (message_cb), self);
  tornadis_client_add_plugin (self->client, plugin, NULL);

  return self;
}

void
cache_redirect_free (CacheRedirect *self)
{
  g_signal_handlers_disconnect_by_data (self->client, self);
  self->funcs = (CacheRedirectFuncs){ NULL };
  g_cancellable_cancel (self->cancelled);
  tornadis_client_remove_plugin (self->client, self->plugin);
  tornadis_client_close (self->client);
  redirect_unref (self);
}
