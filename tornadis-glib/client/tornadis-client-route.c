/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls of TornadisClient that its only plugin routes to other clients: as long as none of them fails there is no
 * TornadisCall. */

#include "tornadis-glib/client/tornadis-client-private.h"

#include "tornadis-glib/client/tornadis-call-private.h"
#include "tornadis-glib/client/tornadis-plugin.h"
#include "tornadis-glib/client/tornadis-prelude-private.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-command-private.h"
#include "tornadis-glib/values/tornadis-reply-private.h"

/* How many are kept for the next calls. */
#define MAX_FREE_ROUTED 64

/* It lives as long as the slot of the other client's queue, and the client does as long as these. */
struct _TornadisRouted
{
  TornadisClientPrivate *priv; /* (unowned) (nullable) of the client that has made the call, until that was told how it ended */
  TornadisClient *target;      /* (unowned) whose calls complete before it is finalized */
  TornadisCommand *command;    /* (owned) */
  TornadisSlotFunc func;
  gpointer user_data;             /* (unowned) */
  TornadisDispatched *dispatched; /* (unowned) (nullable) of the caller */
  GPtrArray *chain;               /* (owned) (nullable) that of its plugin, when the client has another one now */
  gint64 deadline;                /* 0: none */
  guint64 id;                     /* in the queue of the target; 0: not yet, or it was refused */
  gboolean is_abandoned;
  TornadisRouted *next;     /* (unowned) (nullable) in the client's list, or (owned) while it is free */
  TornadisRouted *previous; /* (unowned) (nullable) */
};

static TornadisRouted *
routed_new (TornadisClientPrivate *priv)
{
  TornadisRouted *self = priv->free_routed;

  if (G_LIKELY (self != NULL))
    {
      priv->free_routed = self->next;
      priv->n_free_routed--;
    }
  else
    {
      self = g_new (TornadisRouted, 1);
    }

  self->priv = priv;
  self->chain = NULL;
  self->previous = NULL;
  self->next = priv->routed;
  if (self->next != NULL)
    self->next->previous = self;
  priv->routed = self;

  return self;
}

static inline void
routed_unlink (TornadisRouted *self)
{
  TornadisClientPrivate *priv = self->priv;

  if (G_UNLIKELY (priv->next_closed == self))
    priv->next_closed = self->previous;
  if (self->next != NULL)
    self->next->previous = self->previous;
  if (self->previous != NULL)
    self->previous->next = self->next;
  else
    priv->routed = self->next;
}

static void
routed_free (TornadisRouted *self)
{
  TornadisClientPrivate *priv = self->priv;

  routed_unlink (self);
  if (G_UNLIKELY (priv->n_free_routed == MAX_FREE_ROUTED))
    {
      g_free (self);
      return;
    }

  self->next = priv->free_routed;
  priv->free_routed = self;
  priv->n_free_routed++;
}

/* Its caller is told now. What the other client has of it comes later, and frees it. */
static void
routed_abandon (TornadisRouted *self,
                const GError *error)
{
  g_autoptr (TornadisClient) client G_GNUC_UNUSED = g_object_ref (self->priv->client);

  if (self->dispatched != NULL)
    self->dispatched->routed = NULL;
  routed_unlink (self);
  self->priv = NULL;
  self->func (NULL, error, self->user_data);
}

/* The plugin sees it now, and may have it made again. */
static G_NO_INLINE void
routed_fail (TornadisRouted *self,
             TornadisReply *reply,
             const GError *error)
{
  TornadisRouted failed = *self;
  g_autoptr (TornadisClient) client = g_object_ref (self->priv->client);
  g_autoptr (TornadisCommand) command = failed.command;
  g_autoptr (GPtrArray) chain = failed.chain != NULL ? failed.chain : g_ptr_array_ref (failed.priv->chain);

  if (failed.dispatched != NULL)
    failed.dispatched->routed = NULL;
  routed_free (self);

  if (failed.is_abandoned)
    failed.func (reply, error, failed.user_data);
  else
    tornadis_call_start_failed (client, chain, command, failed.target, failed.deadline, reply, error, failed.func,
                                failed.user_data, failed.dispatched != NULL ? &failed.dispatched->call : NULL);
}

static void
routed_done_cb (TornadisReply *reply,
                const GError *error,
                gpointer user_data)
{
  TornadisRouted *self = user_data;
  TornadisSlotFunc func = self->func;
  gpointer func_data = self->user_data;

  if (G_UNLIKELY (self->priv == NULL))
    {
      tornadis_command_unref (self->command);
      g_clear_pointer (&self->chain, g_ptr_array_unref);
      g_free (self);
      return;
    }
  if (G_UNLIKELY (reply == NULL || reply->kind == TORNADIS_REPLY_KIND_ERROR))
    {
      routed_fail (self, reply, error);
      return;
    }

  if (self->dispatched != NULL)
    self->dispatched->routed = NULL;
  tornadis_command_unref (self->command);
  if (G_UNLIKELY (self->chain != NULL))
    g_ptr_array_unref (self->chain);
  /* Before the function is called, which often makes the next call. */
  routed_free (self);
  func (reply, NULL, func_data);
}

gboolean
tornadis_client_has_router (TornadisClient *self)
{
  return tornadis_client_get_private (self)->router != NULL;
}

/* What is corked already is uncorked by who did that, not before this client is. */
static G_NO_INLINE void
client_cork_target (TornadisClientPrivate *priv,
                    TornadisClient *target)
{
  TornadisLink *link = tornadis_client_get_link (target);

  if (tornadis_link_is_corked (link))
    return;

  if (priv->corked == NULL)
    priv->corked = g_ptr_array_new_with_free_func (g_object_unref);
  g_ptr_array_add (priv->corked, g_object_ref (target));
  tornadis_link_set_corked (link, TRUE);
}

void
tornadis_client_uncork_targets (TornadisClientPrivate *priv)
{
  /* One of them may be freed with it, and its calls end. */
  g_autoptr (GPtrArray) corked = g_steal_pointer (&priv->corked);

  for (guint i = 0; i < corked->len; i++)
    tornadis_link_set_corked (tornadis_client_get_link (g_ptr_array_index (corked, i)), FALSE);
}

/* As tornadis_client_send() does with what is in nobody's way, a plain command of a client that takes calls and is looked at by
 * no plugin: 50 instructions less. */
static inline guint64
routed_send (TornadisRouted *self,
             const TornadisClientPrivate *target)
{
  const TornadisClientHooks *hooks = TORNADIS_CLIENT_GET_CLASS (self->target)->hooks;
  const TornadisOrigin caller = { .func = routed_done_cb,
                                  .user_data = self,
                                  .deadline = self->deadline,
                                  .notifies = TORNADIS_NOTIFIES_PROGRAM };
  guint64 id;

  tornadis_command_seal (self->command);
  if (G_LIKELY (target->observers == NULL && (hooks == NULL || hooks->refusal == NULL)) &&
      G_LIKELY (tornadis_link_submit (target->link, self->command, TORNADIS_SLOT_DEFAULT, &caller, &id, NULL)))
    return id;

  /* It says why. */
  return tornadis_client_send (self->target, self->command, NULL, self->deadline, TORNADIS_NOTIFIES_PROGRAM, routed_done_cb, self);
}

gboolean
tornadis_client_route (TornadisClient *self,
                       TornadisCommand *command,
                       TornadisSlotFunc func,
                       gpointer user_data,
                       TornadisDispatched *dispatched)
{
  TornadisClientPrivate *priv = tornadis_client_get_private (self);
  const TornadisClientPrivate *target_priv;
  TornadisClient *target;
  TornadisRouted *routed;
  guint timeout_msec;

  tornadis_prelude ();
  target = TORNADIS_PLUGIN_GET_CLASS (priv->router)->route (priv->router, self, command);
  if (target == NULL || target == self)
    return FALSE;

  target_priv = tornadis_client_get_private (target);
  if (target_priv->chain != NULL)
    return FALSE;

  if (G_UNLIKELY (priv->n_corks > 0))
    client_cork_target (priv, target);

  routed = routed_new (priv);
  routed->target = target;
  routed->command = tornadis_command_ref (command);
  routed->func = func != NULL ? func : tornadis_client_ignore_reply_cb;
  routed->user_data = user_data;
  routed->dispatched = dispatched;
  routed->is_abandoned = FALSE;
  routed->id = 0;
  timeout_msec = tornadis_link_get_settings (priv->link)->call_timeout_msec;
  routed->deadline = timeout_msec != 0 ? g_get_monotonic_time () + timeout_msec * G_TIME_SPAN_MILLISECOND : 0;
  if (dispatched != NULL)
    dispatched->routed = routed;
  /* It does not complete within this. */
  routed->id = routed_send (routed, target_priv);

  return TRUE;
}

void
tornadis_client_abort_routed (TornadisRouted *self,
                              const GError *error)
{
  /* The plugin sees that the server takes too long, but makes it no more. */
  if (self->id != 0 && g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT))
    self->deadline = g_get_monotonic_time ();
  else
    self->is_abandoned = TRUE;
  /* What was refused is in no queue. */
  if (self->id != 0)
    tornadis_link_cancel (tornadis_client_get_link (self->target), self->id, self, error);
  else
    routed_abandon (self, error);
}

static gboolean
routed_is_written (TornadisRouted *self)
{
  return tornadis_queue_is_written (tornadis_link_get_queue (tornadis_client_get_link (self->target)), self->id);
}

void
tornadis_client_close_routed (TornadisClientPrivate *priv)
{
  /* The newest is the first; those that callers make from now on are none of these. */
  for (TornadisRouted *routed = priv->routed; routed != NULL; routed = routed->next)
    {
      routed->is_abandoned = TRUE;
      priv->next_closed = routed;
    }

  /* A caller may end any of the others, or all. */
  while (priv->next_closed != NULL)
    {
      TornadisRouted *routed = priv->next_closed;
      g_autoptr (GError) error = NULL;

      if (!routed->is_abandoned)
        {
          priv->next_closed = routed->previous;
          continue;
        }

      error = g_error_new (TORNADIS_ERROR, routed_is_written (routed) ? TORNADIS_ERROR_LOST : TORNADIS_ERROR_CLOSED,
                           "The client was closed while %s waited for its reply", tornadis_command_get_name (routed->command));
      tornadis_client_abort_routed (routed, error);
      /* The other client has it among those that it is completing now. */
      if (priv->next_closed == routed)
        routed_abandon (routed, error);
    }
}

void
tornadis_client_keep_routed (TornadisClientPrivate *priv)
{
  for (TornadisRouted *routed = priv->routed; routed != NULL; routed = routed->next)
    if (routed->chain == NULL)
      routed->chain = g_ptr_array_ref (priv->chain);
}

void
tornadis_client_free_routed (TornadisClientPrivate *priv)
{
  TornadisRouted *next;

  g_assert (priv->routed == NULL);
  for (TornadisRouted *routed = priv->free_routed; routed != NULL; routed = next)
    {
      next = routed->next;
      g_free (routed);
    }
  priv->free_routed = NULL;
}
