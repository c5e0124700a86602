/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-redirect.h"

#include <string.h>

#include "cluster/cluster-slot.h"

/* Bytes of the text that were not looked at yet. */
typedef struct
{
  const char *data; /* (unowned) */
  gsize length;
} Rest;

static gboolean
rest_is (const Rest *self,
         const char *word)
{
  return self->length == strlen (word) && memcmp (self->data, word, self->length) == 0;
}

static gboolean
rest_begins (const Rest *self,
             const char *words)
{
  return self->length >= strlen (words) && memcmp (self->data, words, strlen (words)) == 0;
}

/* Takes what is before the next space, or all. */
static Rest
rest_take_word (Rest *self)
{
  const char *space = self->length > 0 ? memchr (self->data, ' ', self->length) : NULL;
  Rest word = { self->data, space != NULL ? (gsize) (space - self->data) : self->length };
  gsize taken = MIN (word.length + 1, self->length);

  self->data += taken;
  self->length -= taken;
  return word;
}

/* No sign, no space, nothing behind it, and not so many digits that it could overflow. */
static gboolean
rest_to_number (const Rest *self,
                guint max,
                guint *value)
{
  *value = 0;
  for (gsize i = 0; i < self->length; i++)
    {
      if (i == 5 || !g_ascii_isdigit (self->data[i]))
        return FALSE;
      *value = *value * 10 + (guint) g_ascii_digit_value (self->data[i]);
    }

  return self->length > 0 && *value <= max;
}

/* "host:port": IPv6 has more colons, and stands in brackets or not. */
static gboolean
parse_endpoint (Rest text,
                ClusterRedirect *redirect)
{
  Rest host = { text.data, text.length };
  Rest number;
  guint port;

  while (host.length > 0 && host.data[host.length - 1] != ':')
    host.length--;
  if (host.length == 0)
    return FALSE;

  number = (Rest){ text.data + host.length, text.length - host.length };
  host.length--;
  if (!rest_to_number (&number, G_MAXUINT16, &port) || port == 0)
    return FALSE;

  if (host.length >= 2 && host.data[0] == '[' && host.data[host.length - 1] == ']')
    {
      host = (Rest){ host.data + 1, host.length - 2 };
      if (host.length == 0 || memchr (host.data, ':', host.length) == NULL)
        return FALSE;
    }

  redirect->port = (guint16) port;
  redirect->host_is_unknown = rest_is (&host, "?");
  if (host.length == 0 || redirect->host_is_unknown)
    return TRUE;
  if (!cluster_host_is_valid (host.data, host.length))
    return FALSE;

  memcpy (redirect->host, host.data, host.length);
  redirect->host[host.length] = '\0';
  return TRUE;
}

ClusterRedirectKind
cluster_redirect_parse (const char *text,
                        gsize length,
                        ClusterRedirect *redirect)
{
  static const struct
  {
    const char *word;
    ClusterRedirectKind kind;
  } kinds[] = {
    { "MOVED", CLUSTER_REDIRECT_MOVED },
    { "ASK", CLUSTER_REDIRECT_ASK },
    { "TRYAGAIN", CLUSTER_REDIRECT_TRYAGAIN },
    { "CLUSTERDOWN", CLUSTER_REDIRECT_CLUSTERDOWN },
    { "LOADING", CLUSTER_REDIRECT_LOADING },
    { "READONLY", CLUSTER_REDIRECT_READONLY },
    { "MASTERDOWN", CLUSTER_REDIRECT_MASTERDOWN },
    { "UNBLOCKED", CLUSTER_REDIRECT_UNBLOCKED },
  };
  Rest rest = { text != NULL ? text : "", text != NULL ? length : 0 };
  Rest word = rest_take_word (&rest);
  ClusterRedirect found = { CLUSTER_REDIRECT_NONE };

  for (gsize i = 0; i < G_N_ELEMENTS (kinds) && found.kind == CLUSTER_REDIRECT_NONE; i++)
    {
      if (rest_is (&word, kinds[i].word))
        found.kind = kinds[i].kind;
    }

  if (found.kind == CLUSTER_REDIRECT_MOVED || found.kind == CLUSTER_REDIRECT_ASK)
    {
      Rest slot = rest_take_word (&rest);

      if (!rest_to_number (&slot, CLUSTER_N_SLOTS - 1, &found.slot) || !parse_endpoint (rest, &found))
        found = (ClusterRedirect){ CLUSTER_REDIRECT_NONE };
    }
  /* Others are for the caller: another client has used CLIENT UNBLOCK, or deleted the stream. */
  else if (found.kind == CLUSTER_REDIRECT_UNBLOCKED && !rest_begins (&rest, "force unblock"))
    found.kind = CLUSTER_REDIRECT_NONE;

  *redirect = found;
  return found.kind;
}
