/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/tornadis-enums.h"
#include "tornadis-glib/values/tornadis-command.h"

G_BEGIN_DECLS

#define TORNADIS_N_SUBSCRIPTION_KINDS (TORNADIS_SUBSCRIPTION_KIND_SHARD + 1)

/* As the server says them: [FALSE] ends what [TRUE] begins. */
extern const char *const tornadis_subscription_verbs[TORNADIS_N_SUBSCRIPTION_KINDS][2];

/* A name is one of its kind. */
typedef struct
{
  TornadisSubscriptionKind kind;
  GBytes *bytes;
} TornadisSubscriptionKey;

/* What is known of a name:
 *
 *   asked for   By calls that have not completed.
 *   granted     Such a call has succeeded: it is restored on every new link.
 *   confirmed   The server has it, or had it on the link before.
 *   ending      Calls that unsubscribe from it have not completed.
 *
 * It is wanted while it is asked for or granted, and in the table while any of these is true. Unsubscribing takes it from
 * all calls before, though these may complete later: they no longer count. */
typedef struct
{
  TornadisSubscriptionKey key; /* (owned) the first: the table has it by that */
  guint64 since;               /* serial of the first call that counts */
  guint n_asking;              /* calls that count */
  guint n_ending;
  guint8 granted : 1;
  guint8 confirmed : 1;
} TornadisSubscriptionName;

/* The names that a pub/sub client subscribes to. */
typedef struct
{
  GHashTable *table; /* (owned) (element-type TornadisSubscriptionName) */
  guint64 serial;    /* of the last call */
  guint n_wanted;
  guint n_confirmed;
  guint n_subscribed; /* wanted and confirmed */
} TornadisSubscriptionNames;

typedef gboolean (*TornadisSubscriptionFilter) (const TornadisSubscriptionName *name);

/* Of a table of what begins with a TornadisSubscriptionKey. */
guint      tornadis_subscription_key_hash            (gconstpointer               key);
gboolean   tornadis_subscription_key_equal           (gconstpointer               one,
                                                      gconstpointer               other);

void       tornadis_subscription_names_init          (TornadisSubscriptionNames  *self);
void       tornadis_subscription_names_clear         (TornadisSubscriptionNames  *self);
/* (nullable), until the next change of it. */
const TornadisSubscriptionName *
           tornadis_subscription_names_lookup        (TornadisSubscriptionNames  *self,
                                                      TornadisSubscriptionKind    kind,
                                                      GBytes                     *bytes);
/* (transfer full) (element-type GBytes): those of @kind that pass @filter. */
GPtrArray *tornadis_subscription_names_select        (TornadisSubscriptionNames  *self,
                                                      TornadisSubscriptionKind    kind,
                                                      TornadisSubscriptionFilter  filter);
/* A call of the last serial asks for a name. */
void       tornadis_subscription_names_ask           (TornadisSubscriptionNames  *self,
                                                      TornadisSubscriptionKind    kind,
                                                      GBytes                     *bytes);
/* A call of @serial that asked for it has completed. */
void       tornadis_subscription_names_answer        (TornadisSubscriptionNames  *self,
                                                      TornadisSubscriptionKind    kind,
                                                      GBytes                     *bytes,
                                                      guint64                     serial,
                                                      gboolean                    granted);
/* No call before the last serial counts. */
void       tornadis_subscription_names_disown        (TornadisSubscriptionNames  *self,
                                                      TornadisSubscriptionKind    kind,
                                                      GBytes                     *bytes);
/* A call that unsubscribes from it begins, or has completed. */
void       tornadis_subscription_names_set_ending    (TornadisSubscriptionNames  *self,
                                                      TornadisSubscriptionKind    kind,
                                                      GBytes                     *bytes,
                                                      gboolean                    ending);
/* It is not restored any more. */
void       tornadis_subscription_names_revoke        (TornadisSubscriptionNames  *self,
                                                      TornadisSubscriptionKind    kind,
                                                      GBytes                     *bytes);
/* Whether that is new. */
gboolean   tornadis_subscription_names_set_confirmed (TornadisSubscriptionNames  *self,
                                                      TornadisSubscriptionKind    kind,
                                                      GBytes                     *bytes,
                                                      gboolean                    confirmed);

/* (transfer full): of @names (element-type GBytes). */
TornadisCommand *
           tornadis_subscription_make_command        (TornadisSubscriptionKind    kind,
                                                      gboolean                    subscribe,
                                                      GPtrArray                  *names);

static inline gboolean
tornadis_subscription_name_is_wanted (const TornadisSubscriptionName *name)
{
  return name->n_asking > 0 || name->granted;
}

/* (transfer full) (element-type GBytes) */
static inline GPtrArray *
tornadis_subscription_names_new_array (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
}

G_END_DECLS
