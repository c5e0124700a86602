/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/client/tornadis-subscription-names.h"

const char *const tornadis_subscription_verbs[TORNADIS_N_SUBSCRIPTION_KINDS][2] = {
  [TORNADIS_SUBSCRIPTION_KIND_CHANNEL] = { "unsubscribe", "subscribe" },
  [TORNADIS_SUBSCRIPTION_KIND_PATTERN] = { "punsubscribe", "psubscribe" },
  [TORNADIS_SUBSCRIPTION_KIND_SHARD] = { "sunsubscribe", "ssubscribe" },
};

guint
tornadis_subscription_key_hash (gconstpointer key)
{
  const TornadisSubscriptionKey *self = key;

  return g_bytes_hash (self->bytes) + self->kind;
}

gboolean
tornadis_subscription_key_equal (gconstpointer one,
                                 gconstpointer other)
{
  const TornadisSubscriptionKey *first = one, *second = other;

  return first->kind == second->kind && g_bytes_equal (first->bytes, second->bytes);
}

static void
name_free (gpointer data)
{
  TornadisSubscriptionName *name = data;

  g_bytes_unref (name->key.bytes);
  g_free (name);
}

void
tornadis_subscription_names_init (TornadisSubscriptionNames *self)
{
  *self = (TornadisSubscriptionNames){ .table = g_hash_table_new_full (tornadis_subscription_key_hash, tornadis_subscription_key_equal, NULL, name_free) };
}

void
tornadis_subscription_names_clear (TornadisSubscriptionNames *self)
{
  g_assert (self->n_subscribed <= MIN (self->n_wanted, self->n_confirmed));
  g_assert (MAX (self->n_wanted, self->n_confirmed) <= g_hash_table_size (self->table));

  g_clear_pointer (&self->table, g_hash_table_unref);
}

static TornadisSubscriptionName *
names_find (TornadisSubscriptionNames *self,
            TornadisSubscriptionKind kind,
            GBytes *bytes)
{
  const TornadisSubscriptionKey key = { kind, bytes };

  return g_hash_table_lookup (self->table, &key);
}

static TornadisSubscriptionName *
names_ensure (TornadisSubscriptionNames *self,
              TornadisSubscriptionKind kind,
              GBytes *bytes)
{
  TornadisSubscriptionName *name = names_find (self, kind, bytes);

  if (name == NULL)
    {
      name = g_new0 (TornadisSubscriptionName, 1);
      name->key = (TornadisSubscriptionKey){ kind, g_bytes_ref (bytes) };
      name->since = self->serial;
      g_hash_table_insert (self->table, name, name);
    }

  return name;
}

/* Every change of a name stands between these two, the second of which may free it. */
static void
names_begin_change (TornadisSubscriptionNames *self,
                    const TornadisSubscriptionName *name)
{
  gboolean wanted = tornadis_subscription_name_is_wanted (name);

  self->n_wanted -= wanted;
  self->n_confirmed -= name->confirmed;
  self->n_subscribed -= wanted && name->confirmed;
}

static void
names_end_change (TornadisSubscriptionNames *self,
                  TornadisSubscriptionName *name)
{
  gboolean wanted = tornadis_subscription_name_is_wanted (name);

  self->n_wanted += wanted;
  self->n_confirmed += name->confirmed;
  self->n_subscribed += wanted && name->confirmed;

  if (!wanted && !name->confirmed && name->n_ending == 0)
    g_hash_table_remove (self->table, name);
}

const TornadisSubscriptionName *
tornadis_subscription_names_lookup (TornadisSubscriptionNames *self,
                                    TornadisSubscriptionKind kind,
                                    GBytes *bytes)
{
  return names_find (self, kind, bytes);
}

GPtrArray *
tornadis_subscription_names_select (TornadisSubscriptionNames *self,
                                    TornadisSubscriptionKind kind,
                                    TornadisSubscriptionFilter filter)
{
  GPtrArray *selected = tornadis_subscription_names_new_array ();
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      const TornadisSubscriptionName *name = key;

      if (name->key.kind == kind && filter (name))
        g_ptr_array_add (selected, g_bytes_ref (name->key.bytes));
    }

  return selected;
}

void
tornadis_subscription_names_ask (TornadisSubscriptionNames *self,
                                 TornadisSubscriptionKind kind,
                                 GBytes *bytes)
{
  TornadisSubscriptionName *name = names_ensure (self, kind, bytes);

  names_begin_change (self, name);
  name->n_asking++;
  names_end_change (self, name);
}

void
tornadis_subscription_names_answer (TornadisSubscriptionNames *self,
                                    TornadisSubscriptionKind kind,
                                    GBytes *bytes,
                                    guint64 serial,
                                    gboolean granted)
{
  TornadisSubscriptionName *name = names_find (self, kind, bytes);

  if (name == NULL || name->since > serial)
    return;

  names_begin_change (self, name);
  name->n_asking--;
  name->granted |= granted;
  names_end_change (self, name);
}

void
tornadis_subscription_names_disown (TornadisSubscriptionNames *self,
                                    TornadisSubscriptionKind kind,
                                    GBytes *bytes)
{
  TornadisSubscriptionName *name = names_find (self, kind, bytes);

  if (name == NULL)
    return;

  names_begin_change (self, name);
  name->since = self->serial;
  name->n_asking = 0;
  name->granted = FALSE;
  names_end_change (self, name);
}

void
tornadis_subscription_names_set_ending (TornadisSubscriptionNames *self,
                                        TornadisSubscriptionKind kind,
                                        GBytes *bytes,
                                        gboolean ending)
{
  TornadisSubscriptionName *name = names_ensure (self, kind, bytes);

  names_begin_change (self, name);
  name->n_ending += ending ? 1 : -1;
  names_end_change (self, name);
}

void
tornadis_subscription_names_revoke (TornadisSubscriptionNames *self,
                                    TornadisSubscriptionKind kind,
                                    GBytes *bytes)
{
  TornadisSubscriptionName *name = names_find (self, kind, bytes);

  if (name == NULL)
    return;

  names_begin_change (self, name);
  name->granted = FALSE;
  names_end_change (self, name);
}

gboolean
tornadis_subscription_names_set_confirmed (TornadisSubscriptionNames *self,
                                           TornadisSubscriptionKind kind,
                                           GBytes *bytes,
                                           gboolean confirmed)
{
  TornadisSubscriptionName *name = confirmed ? names_ensure (self, kind, bytes) : names_find (self, kind, bytes);

  if (name == NULL || name->confirmed == confirmed)
    return FALSE;

  names_begin_change (self, name);
  name->confirmed = confirmed;
  names_end_change (self, name);

  return TRUE;
}

TornadisCommand *
tornadis_subscription_make_command (TornadisSubscriptionKind kind,
                                    gboolean subscribe,
                                    GPtrArray *names)
{
  g_autofree char *verb = g_ascii_strup (tornadis_subscription_verbs[kind][subscribe], -1);
  TornadisCommand *command = tornadis_command_new (verb);

  for (guint i = 0; i < names->len; i++)
    tornadis_command_append_bytes (command, g_ptr_array_index (names, i));

  return command;
}
