/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/client/tornadis-subscription-restorer.h"

#include "tornadis-glib/tornadis-error.h"

/* What becomes of a granted name on a new link:
 *
 *   pending     In a command that the server has not answered yet: all channels in one, and all patterns. Where it is
 *               refused for several names, each is asked for alone.
 *   restored    The server has confirmed the command.
 *   postponed   The server refused it for a reason that passes, or did not answer in time. It is asked for alone, on the
 *               same link, when the time has come.
 *   refused     For good: what is forbidden, or is another server's. Its owner is notified.
 *
 * A name that is no longer granted drops out at the next step. */

/* A command that is pending. The queue's slot owns it. */
typedef struct
{
  TornadisSubscriptionRestorer *owner; /* (unowned) its commands complete before it is cleared */
  GPtrArray *names;                    /* (owned) (element-type GBytes) */
  guint64 link;
  TornadisSubscriptionKind kind;
} TornadisRestoring;

static void restorer_ask_alone (TornadisSubscriptionRestorer *self,
                                TornadisSubscriptionKind kind,
                                GBytes *bytes);

static gboolean
name_is_granted (const TornadisSubscriptionName *name)
{
  return name->granted;
}

static gboolean
restorer_has_link (TornadisSubscriptionRestorer *self,
                   guint64 link)
{
  return self->link == link &&
         tornadis_link_get_state (tornadis_client_get_link (self->client)) == TORNADIS_CLIENT_STATE_CONNECTED;
}

void
tornadis_subscription_restorer_stop (TornadisSubscriptionRestorer *self)
{
  if (self->retry == NULL)
    return;

  g_source_destroy (self->retry);
  g_clear_pointer (&self->retry, g_source_unref);
  for (guint kind = 0; kind < TORNADIS_N_SUBSCRIPTION_KINDS; kind++)
    g_clear_pointer (&self->postponed[kind], g_ptr_array_unref);
}

void
tornadis_subscription_restorer_clear (TornadisSubscriptionRestorer *self)
{
  g_assert (self->n_restoring == 0);

  tornadis_subscription_restorer_stop (self);
}

static gboolean
retry_cb (gpointer user_data)
{
  TornadisSubscriptionRestorer *self = user_data;
  GPtrArray *postponed[TORNADIS_N_SUBSCRIPTION_KINDS];

  for (guint kind = 0; kind < TORNADIS_N_SUBSCRIPTION_KINDS; kind++)
    postponed[kind] = g_steal_pointer (&self->postponed[kind]);
  tornadis_subscription_restorer_stop (self);

  for (guint kind = 0; kind < TORNADIS_N_SUBSCRIPTION_KINDS; kind++)
    {
      for (guint i = 0; postponed[kind] != NULL && i < postponed[kind]->len; i++)
        restorer_ask_alone (self, kind, g_ptr_array_index (postponed[kind], i));
      g_clear_pointer (&postponed[kind], g_ptr_array_unref);
    }

  return G_SOURCE_REMOVE;
}

static void
restorer_postpone (TornadisSubscriptionRestorer *self,
                   TornadisSubscriptionKind kind,
                   GPtrArray *names)
{
  if (self->postponed[kind] == NULL)
    self->postponed[kind] = tornadis_subscription_names_new_array ();
  for (guint i = 0; i < names->len; i++)
    g_ptr_array_add (self->postponed[kind], g_bytes_ref (g_ptr_array_index (names, i)));

  if (self->retry != NULL)
    return;

  self->retry = g_timeout_source_new (tornadis_backoff_next (&self->backoff));
  g_source_set_static_name (self->retry, "[tornadis] restore subscriptions");
  g_source_set_callback (self->retry, retry_cb, self, NULL);
  g_source_attach (self->retry, tornadis_client_get_context (self->client));
}

/* Refusals that pass, whatever the name is. */
static gboolean
is_passing (const char *prefix)
{
  static const char *const prefixes[] = { "BUSY", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "TRYAGAIN", NULL };

  return prefix != NULL && g_strv_contains (prefixes, prefix);
}

static void
restorer_refuse (TornadisSubscriptionRestorer *self,
                 TornadisSubscriptionKind kind,
                 GPtrArray *names,
                 const GError *refusal)
{
  g_autofree char *prefix = tornadis_error_dup_prefix (refusal);

  if (is_passing (prefix))
    restorer_postpone (self, kind, names);
  else if (g_strcmp0 (prefix, "NOAUTH") == 0)
    tornadis_link_try_again (tornadis_client_get_link (self->client), refusal);
  else if (names->len == 1)
    self->refused (kind, g_ptr_array_index (names, 0), self->user_data);
  else
    for (guint i = 0; i < names->len; i++)
      restorer_ask_alone (self, kind, g_ptr_array_index (names, i));
}

static TornadisRestoring *
restoring_new (TornadisSubscriptionRestorer *owner,
               TornadisSubscriptionKind kind,
               GPtrArray *names)
{
  TornadisRestoring *self = g_new (TornadisRestoring, 1);

  *self = (TornadisRestoring){ owner, g_ptr_array_ref (names), owner->link, kind };
  owner->n_restoring++;

  return self;
}

static void
restoring_free (TornadisRestoring *self)
{
  g_ptr_array_unref (self->names);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TornadisRestoring, restoring_free)

/* Confirmed, refused by the server, or lost with the link. */
static void
restored_cb (TornadisReply *reply,
             const GError *error,
             gpointer user_data)
{
  g_autoptr (TornadisRestoring) restoring = user_data;
  TornadisSubscriptionRestorer *self = restoring->owner;
  g_autoptr (GError) refusal = reply != NULL ? tornadis_reply_dup_error (reply) : NULL;
  g_autoptr (TornadisClient) alive G_GNUC_UNUSED = g_object_ref (self->client);

  /* Callbacks of what was lost with a link may run the main loop until the next one is up. */
  if (restoring->link == self->link)
    self->n_restoring--;
  if (!restorer_has_link (self, restoring->link))
    return;

  if (error != NULL)
    restorer_postpone (self, restoring->kind, restoring->names);
  else if (refusal != NULL)
    restorer_refuse (self, restoring->kind, restoring->names, refusal);
  else
    self->any_restored = TRUE;

  if (self->n_restoring == 0 && restorer_has_link (self, restoring->link) && self->any_restored)
    {
      self->any_restored = FALSE;
      self->restored (self->retry == NULL, self->user_data);
    }
}

static GPtrArray *
make_single (GBytes *bytes)
{
  GPtrArray *names = tornadis_subscription_names_new_array ();

  g_ptr_array_add (names, g_bytes_ref (bytes));
  return names;
}

static void
restorer_ask_alone (TornadisSubscriptionRestorer *self,
                    TornadisSubscriptionKind kind,
                    GBytes *bytes)
{
  TornadisLink *link = tornadis_client_get_link (self->client);
  const TornadisSubscriptionName *name = tornadis_subscription_names_lookup (self->names, kind, bytes);
  g_autoptr (GPtrArray) names = make_single (bytes);
  g_autoptr (TornadisCommand) command = tornadis_subscription_make_command (kind, TRUE, names);
  TornadisOrigin caller = { .func = restored_cb };
  TornadisRestoring *restoring;

  if (name == NULL || !name->granted)
    return;

  caller.user_data = restoring = restoring_new (self, kind, names);
  if (!tornadis_link_submit (link, command, TORNADIS_SLOT_LINK_ONLY, &caller, NULL, NULL))
    {
      self->n_restoring--;
      restoring_free (restoring);
      restorer_postpone (self, kind, names);
    }
}

static void
restorer_ask_first (TornadisSubscriptionRestorer *self,
                    TornadisSubscriptionKind kind,
                    GPtrArray *names,
                    TornadisQueue *queue)
{
  g_autoptr (TornadisCommand) command = tornadis_subscription_make_command (kind, TRUE, names);
  const TornadisOrigin caller = { .func = restored_cb, .user_data = restoring_new (self, kind, names) };

  tornadis_queue_push_front (queue, command, TORNADIS_SLOT_LINK_ONLY, &caller);
}

void
tornadis_subscription_restorer_start (TornadisSubscriptionRestorer *self,
                                      TornadisQueue *queue)
{
  tornadis_subscription_restorer_stop (self);
  self->link++;
  self->n_restoring = 0;
  self->any_restored = FALSE;
  tornadis_backoff_reset (&self->backoff);

  for (guint kind = 0; kind < TORNADIS_N_SUBSCRIPTION_KINDS; kind++)
    {
      g_autoptr (GPtrArray) names = tornadis_subscription_names_select (self->names, kind, name_is_granted);

      if (kind != TORNADIS_SUBSCRIPTION_KIND_SHARD && names->len > 0)
        restorer_ask_first (self, kind, names, queue);

      /* In a cluster the shard channels of one command must share a slot. */
      for (guint i = 0; kind == TORNADIS_SUBSCRIPTION_KIND_SHARD && i < names->len; i++)
        {
          g_autoptr (GPtrArray) single = make_single (g_ptr_array_index (names, i));

          restorer_ask_first (self, kind, single, queue);
        }
    }
}
