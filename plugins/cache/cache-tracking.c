/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cache/cache-tracking.h"

#include "cache/cache-redirect.h"

struct _CacheTracking
{
  TornadisPlugin *plugin; /* (unowned) */
  CommandTable *table;    /* (unowned) */
  char *problem;          /* (owned) (nullable) with tracking */
  char *table_problem;    /* (owned) (nullable) with the table */
  CacheTrackingFuncs funcs;
  gpointer user_data;    /* (unowned) */
  GHashTable *links;     /* (owned) (element-type TornadisClient CacheLink) by client (unowned) */
  GHashTable *redirects; /* (owned) (element-type utf8 CacheRedirectUse) by server and user */
  GHashTable *spaces;    /* (owned) (element-type utf8 guint) */
  GSource *timer;        /* (owned) (nullable) */
  guint64 n_generations;
  guint64 n_asked;
};

/* Those who share a redirect. */
typedef struct _CacheRedirectUse
{
  CacheRedirect *redirect; /* (owned) */
  char *name;              /* (owned) */
  guint n_links;
} CacheRedirectUse;

/* A request about a connection, whose outcome may come when that is closed. */
typedef struct
{
  CacheLink *link; /* (owned) */
  guint64 generation;
  guint64 number; /* of a request for tracking */
} CacheQuestion;

static void
link_clear (gpointer data)
{
  CacheLink *self = data;

  g_ptr_array_unref (self->queued);
  g_free (self->title);
}

void
cache_link_unref (gpointer data)
{
  g_rc_box_release_full (data, link_clear);
}

static CacheQuestion *
question_new (CacheLink *link)
{
  CacheQuestion *self = g_new (CacheQuestion, 1);

  self->link = g_rc_box_acquire (link);
  self->generation = link->generation;
  self->number = link->asked;

  return self;
}

static void
question_free (gpointer data)
{
  CacheQuestion *self = data;

  cache_link_unref (self->link);
  g_free (self);
}

/* Whether the connection that it is about is still there. */
static gboolean
question_is_current (CacheQuestion *self)
{
  return self->link->tracking != NULL && self->link->generation == self->generation &&
         tornadis_client_is_connected (self->link->client);
}

static void
redirect_use_free (gpointer data)
{
  CacheRedirectUse *self = data;

  cache_redirect_free (self->redirect);
  g_free (self->name);
  g_free (self);
}

/* (transfer full): who the connection is for, and of what server. */
static char *
link_dup_user (CacheLink *self)
{
  g_autofree char *username = NULL;

  g_object_get (self->client, "username", &username, NULL);
  if (username == NULL && self->unnamed)
    return g_strdup_printf ("\n%p\n%s", self, self->title);

  return g_strdup_printf ("%s\n%s", username != NULL ? username : "default", self->title);
}

static void
link_flush (CacheLink *self)
{
  self->tracking->funcs.flush (self->tracking->user_data);
}

static guint
link_find_space (CacheLink *self)
{
  GHashTable *spaces = self->tracking->spaces;
  g_autofree char *user = link_dup_user (self);
  g_autofree char *name = NULL;
  guint version;
  guint space;
  int db;

  g_object_get (self->client, "protocol-version", &version, "db", &db, NULL);
  name = g_strdup_printf ("%u\n%d\n%s", version, db, user);
  space = GPOINTER_TO_UINT (g_hash_table_lookup (spaces, name));
  if (space == 0)
    {
      space = g_hash_table_size (spaces) + 1;
      g_hash_table_insert (spaces, g_steal_pointer (&name), GUINT_TO_POINTER (space));
    }

  return space;
}

guint
cache_link_get_space (CacheLink *self)
{
  guint space;

  if (G_LIKELY (self->knows_space))
    return self->space;

  space = link_find_space (self);
  if (self->space != 0 && self->space != space)
    link_flush (self);
  self->space = space;
  self->knows_space = TRUE;

  return space;
}

void
cache_link_taint (CacheLink *self)
{
  self->tainted = TRUE;
  link_flush (self);
}

static void
link_turn_off (CacheLink *self)
{
  if (!self->on)
    return;

  self->on = FALSE;
  link_flush (self);
}

static void
tracking_notify (CacheTracking *self)
{
  self->funcs.problem (self->table_problem != NULL ? self->table_problem : self->problem, self->user_data);
}

static void
set_problem (char **problem,
             const char *message)
{
  g_free (*problem);
  *problem = g_strdup (message);
}

static void
table_cb (const GError *error,
          gpointer user_data)
{
  CacheTracking *self = user_data;

  set_problem (&self->table_problem, error != NULL ? error->message : NULL);
  tracking_notify (self);
}

static void
tracked_cb (TornadisClient *client,
            TornadisReply *reply,
            GError *error,
            gpointer user_data)
{
  CacheQuestion *question = user_data;
  CacheLink *link = question->link;

  if (!question_is_current (question) || link->asked != question->number)
    return;

  link->asked = 0;
  link->on = error == NULL;
  set_problem (&link->tracking->problem, error != NULL ? error->message : NULL);
  tracking_notify (link->tracking);
}

/* Asks the server to announce changed keys, on this connection or on the redirect. */
static void
link_ask (CacheLink *self)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "CLIENT", "TRACKING", "ON", NULL });

  /* Its reply would become one more of EXEC's. */
  self->put_off = tornadis_client_is_in_transaction (self->client);
  if (self->put_off)
    return;

  command_table_is_ready (self->tracking->table, self->client, table_cb, self->tracking);

  if (self->redirect != NULL)
    {
      gint64 id = cache_redirect_get_id (self->redirect->redirect);

      if (id == 0)
        return;
      tornadis_command_append_string (command, "REDIRECT");
      tornadis_command_append_int64 (command, id);
    }

  self->asked = ++self->tracking->n_asked;
  tornadis_plugin_submit (self->tracking->plugin, self->client, command, tracked_cb, question_new (self), question_free);
}

void
cache_link_catch_up (CacheLink *self)
{
  if (self->put_off && tornadis_client_is_connected (self->client))
    link_ask (self);
}

/* Redirects. */

/* Calls @func for the links of @redirect, or for all. */
static void
tracking_foreach (CacheTracking *self,
                  CacheRedirect *redirect,
                  void (*func) (CacheLink *link))
{
  g_autoptr (GList) links = g_hash_table_get_values (self->links);

  for (GList *l = links; l != NULL; l = l->next)
    {
      CacheLink *link = l->data;

      if (redirect == NULL || (link->redirect != NULL && link->redirect->redirect == redirect))
        func (link);
    }
}

static void
link_redirect_ready (CacheLink *self)
{
  if (tornadis_client_is_connected (self->client))
    link_ask (self);
}

static void
link_redirect_lost (CacheLink *self)
{
  /* The request was sent on the connection that is closed. */
  self->asked = 0;
  link_turn_off (self);
}

static void
redirect_ready_cb (CacheRedirect *redirect,
                   gpointer user_data)
{
  tracking_foreach (user_data, redirect, link_redirect_ready);
}

static void
redirect_lost_cb (CacheRedirect *redirect,
                  gpointer user_data)
{
  tracking_foreach (user_data, redirect, link_redirect_lost);
}

static void
redirect_failed_cb (CacheRedirect *redirect,
                    const char *problem,
                    gpointer user_data)
{
  CacheTracking *self = user_data;

  tracking_foreach (self, redirect, link_redirect_lost);
  set_problem (&self->problem, problem);
  tracking_notify (self);
}

static void
link_release_redirect (CacheLink *self)
{
  CacheRedirectUse *use = g_steal_pointer (&self->redirect);

  if (use != NULL && --use->n_links == 0)
    g_hash_table_remove (self->tracking->redirects, use->name);
}

static void
link_take_redirect (CacheLink *self)
{
  static const CacheRedirectFuncs funcs = { redirect_ready_cb, redirect_lost_cb, redirect_failed_cb };
  g_autofree char *name = link_dup_user (self);
  CacheRedirectUse *use = g_hash_table_lookup (self->tracking->redirects, name);

  if (use == NULL)
    {
      use = g_new0 (CacheRedirectUse, 1);
      use->redirect = cache_redirect_new (self->client, self->tracking->plugin, &funcs, self->tracking);
      use->name = g_steal_pointer (&name);
      g_hash_table_insert (self->tracking->redirects, use->name, use);
    }

  use->n_links++;
  link_release_redirect (self);
  self->redirect = use;
  cache_redirect_connect (use->redirect);
}

/* The client's signals. */

/* Remembers the title that the connection is made with: it may be changed afterwards, for the next one. */
static void
link_connecting (CacheLink *self)
{
  g_clear_pointer (&self->title, g_free);
  g_object_get (self->client, "title", &self->title, NULL);
  self->tainted = FALSE;
}

static void
link_connected (CacheLink *self)
{
  guint version;

  g_object_get (self->client, "protocol-version", &version, NULL);
  /* A plugin stands for the connection: it has others, and this plugin is on their clients. */
  if (version == 0)
    return;

  self->generation = ++self->tracking->n_generations;
  self->pinged = self->knows_space = FALSE;
  self->space = 0;

  if (version < 3)
    link_take_redirect (self);
  else
    link_release_redirect (self);
  link_ask (self);
}

static void
link_lost (CacheLink *self)
{
  self->asked = 0;
  self->put_off = FALSE;
  self->tracking->funcs.lost (self, self->tracking->user_data);
  link_turn_off (self);
  /* The next connection may lead to another server, where the number of this one's is another client's. */
  link_release_redirect (self);
}

static void
state_changed_cb (CacheLink *self)
{
  TornadisClientState state;

  g_object_get (self->client, "state", &state, NULL);
  if (state == TORNADIS_CLIENT_STATE_CONNECTING)
    link_connecting (self);
  else if (state == TORNADIS_CLIENT_STATE_CONNECTED)
    link_connected (self);
  else
    link_lost (self);
}

/* By a call, or for the next connection: then the client is not settled before that is up. */
static void
login_changed_cb (CacheLink *self,
                  GParamSpec *pspec)
{
  self->unnamed |= g_str_equal (pspec->name, "username");
  self->knows_space = FALSE;
}

/* For the next connection too, of which the client says nothing by that. */
static void
title_changed_cb (CacheLink *self)
{
  TornadisClientState state;

  g_object_get (self->client, "state", &state, NULL);
  if (state == TORNADIS_CLIENT_STATE_CONNECTING || state == TORNADIS_CLIENT_STATE_CONNECTED)
    cache_link_taint (self);
}

/* Nothing is sent on a connection whose reads are all answered from the cache: without this it would not be noticed that
 * the connection is dead. */

static void
pong_cb (TornadisClient *client,
         TornadisReply *reply,
         GError *error,
         gpointer user_data)
{
  CacheQuestion *question = user_data;

  if (question_is_current (question))
    question->link->pinged = FALSE;
}

static void
link_look_after (CacheLink *self)
{
  g_autoptr (TornadisCommand) ping = NULL;
  guint64 bytes_read;

  if (!self->on || tornadis_client_is_in_transaction (self->client))
    return;

  g_object_get (self->client, "bytes-read", &bytes_read, NULL);
  if (bytes_read != self->bytes_read)
    {
      self->bytes_read = bytes_read;
      return;
    }

  /* Tracking is on again when the reply comes. */
  if (self->pinged)
    {
      link_turn_off (self);
      link_ask (self);
      return;
    }

  self->pinged = TRUE;
  ping = tornadis_command_new ("PING");
  tornadis_plugin_submit (self->tracking->plugin, self->client, ping, pong_cb, question_new (self), question_free);
}

static gboolean
look_after_cb (gpointer user_data)
{
  tracking_foreach (user_data, NULL, link_look_after);
  return G_SOURCE_CONTINUE;
}

void
cache_tracking_set_interval (CacheTracking *self,
                             guint msec)
{
  if (self->timer != NULL)
    g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
  if (msec == 0)
    return;

  self->timer = g_timeout_source_new (msec);
  g_source_set_static_name (self->timer, "[tornadis] cache");
  g_source_set_callback (self->timer, look_after_cb, self, NULL);
  g_source_attach (self->timer, g_main_context_get_thread_default ());
}

/* Clients. */

CacheTracking *
cache_tracking_new (TornadisPlugin *plugin,
                    CommandTable *table,
                    const CacheTrackingFuncs *funcs,
                    gpointer user_data)
{
  CacheTracking *self = g_new0 (CacheTracking, 1);

  self->plugin = plugin;
  self->table = table;
  self->funcs = *funcs;
  self->user_data = user_data;
  self->links = g_hash_table_new_full (NULL, NULL, NULL, cache_link_unref);
  self->redirects = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, redirect_use_free);
  self->spaces = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  return self;
}

void
cache_tracking_free (CacheTracking *self)
{
  cache_tracking_set_interval (self, 0);
  g_hash_table_unref (self->links);
  g_hash_table_unref (self->redirects);
  g_hash_table_unref (self->spaces);
  g_free (self->problem);
  g_free (self->table_problem);
  g_free (self);
}

void
cache_tracking_attach (CacheTracking *self,
                       TornadisClient *client)
{
  CacheLink *link = g_rc_box_new0 (CacheLink);

  link->tracking = self;
  link->client = client;
  link->queued = g_ptr_array_new ();
  g_hash_table_insert (self->links, client, link);

  g_signal_connect_swapped (client, "notify::state", G_CALLBACK (state_changed_cb), link);
  g_signal_connect_swapped (client, "notify::db", G_CALLBACK (login_changed_cb), link);
  g_signal_connect_swapped (client, "notify::username", G_CALLBACK (login_changed_cb), link);
  g_signal_connect_swapped (client, "notify::title", G_CALLBACK (title_changed_cb), link);

  link_connecting (link);
  if (tornadis_client_is_connected (client))
    link_connected (link);
}

void
cache_tracking_detach (CacheTracking *self,
                       TornadisClient *client)
{
  CacheLink *link = g_hash_table_lookup (self->links, client);
  gboolean on = link->on && !tornadis_client_is_in_transaction (client);

  g_signal_handlers_disconnect_by_data (client, link);
  link_lost (link);
  link->tracking = NULL;
  g_hash_table_remove (self->links, client);

  if (on && tornadis_client_is_connected (client))
    {
      g_autoptr (TornadisCommand) off = tornadis_command_new_strv ((const char *[]){ "CLIENT", "TRACKING", "OFF", NULL });

      tornadis_plugin_submit (self->plugin, client, off, NULL, NULL, NULL);
    }
}

CacheLink *
cache_tracking_lookup (CacheTracking *self,
                       TornadisClient *client)
{
  return g_hash_table_lookup (self->links, client);
}

guint
cache_tracking_get_n_on (CacheTracking *self)
{
  GHashTableIter iter;
  gpointer link;
  guint n = 0;

  g_hash_table_iter_init (&iter, self->links);
  while (g_hash_table_iter_next (&iter, NULL, &link))
    n += ((CacheLink *) link)->on ? 1 : 0;

  return n;
}

gboolean
cache_link_is_usable (CacheLink *self)
{
  return self->on && !self->tainted && !tornadis_client_is_in_transaction (self->client) &&
         tornadis_client_is_session_settled (self->client) && tornadis_client_is_connected (self->client);
}

void
cache_link_check (CacheLink *self)
{
  if (self->on && !tornadis_client_is_connected (self->client))
    link_lost (self);
}
