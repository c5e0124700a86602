/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-notification.h"

#include <string.h>

static const char *const prefixes[] = { "__keyspace@", "__keyevent@", "__subkeyspace@", "__subkeyevent@", "__subkeyspaceitem@",
                                        "__subkeyspaceevent@" };

/* A pattern has to tell them from other channels by this much: of those each node has all, and they would come from each. */
static const char *const least[] = { "__key", "__subkey" };

static gboolean
begins_with (const char *text,
             gsize length,
             const char *prefix)
{
  return length >= strlen (prefix) && memcmp (text, prefix, strlen (prefix)) == 0;
}

static gboolean
tells_enough (const char *literal,
              gsize length)
{
  for (guint i = 0; i < G_N_ELEMENTS (least); i++)
    if (begins_with (literal, length, least[i]))
      return TRUE;

  return FALSE;
}

/* A pattern that begins with @literal, before anything that stands for other bytes. */
static gboolean
may_match (const char *literal,
           gsize length)
{
  for (guint i = 0; i < G_N_ELEMENTS (prefixes); i++)
    if (length < strlen (prefixes[i]) && memcmp (literal, prefixes[i], length) == 0 && tells_enough (literal, length))
      return TRUE;

  return FALSE;
}

gboolean
cluster_notification_is_one (TornadisSubscriptionKind kind,
                             GBytes *name)
{
  gsize length, n_literal = 0;
  const char *data = g_bytes_get_data (name, &length);

  for (guint i = 0; i < G_N_ELEMENTS (prefixes); i++)
    if (begins_with (data, length, prefixes[i]))
      return kind != TORNADIS_SUBSCRIPTION_KIND_SHARD;
  if (kind != TORNADIS_SUBSCRIPTION_KIND_PATTERN)
    return FALSE;

  while (n_literal < length && memchr ("*?[\\", data[n_literal], 4) == NULL)
    n_literal++;

  return n_literal < length && may_match (data, n_literal);
}
