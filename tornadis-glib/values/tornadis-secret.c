/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/values/tornadis-secret.h"

#include <string.h>

typedef struct
{
  gpointer data; /* (owned) */
  gsize length;
} TornadisSecretData;

/* A compiler leaves out a memset() of what is freed next, unless it cannot know the function. */
static void *(*const volatile set_memory) (void *, int, size_t) = memset;

void
tornadis_secret_wipe (gpointer data,
                      gsize length)
{
  if (length > 0)
    set_memory (data, 0, length);
}

void
tornadis_secret_free (char *text)
{
  if (text == NULL)
    return;

  tornadis_secret_wipe (text, strlen (text));
  g_free (text);
}

static void
secret_data_free (gpointer data)
{
  TornadisSecretData *self = data;

  tornadis_secret_wipe (self->data, self->length);
  g_free (self->data);
  g_free (self);
}

/* @data is (transfer full). */
static GBytes *
secret_new_take (gpointer data,
                 gsize length)
{
  TornadisSecretData *self = g_new (TornadisSecretData, 1);

  *self = (TornadisSecretData){ data, length };
  return g_bytes_new_with_free_func (data, length, secret_data_free, self);
}

GBytes *
tornadis_secret_new (const char *text)
{
  return text != NULL ? secret_new_take (g_strdup (text), strlen (text)) : NULL;
}

GBytes *
tornadis_secret_take (GBytes *bytes)
{
  gsize length;
  gpointer data;

  if (bytes == NULL)
    return NULL;

  data = g_bytes_unref_to_data (bytes, &length);
  return secret_new_take (data, length);
}

char *
tornadis_secret_censor (const char *words,
                        GBytes *password)
{
  g_autoptr (GString) censored = g_string_new (words);
  const char *quoted = strstr (censored->str, ", with args beginning with");

  if (quoted != NULL)
    g_string_truncate (censored, (gsize) (quoted - censored->str));

  if (password != NULL && g_bytes_get_size (password) > 0)
    {
      gsize length;
      const char *bytes = g_bytes_get_data (password, &length);
      char *text = g_strndup (bytes, length);

      if (*text != '\0')
        g_string_replace (censored, text, "***", 0);
      tornadis_secret_free (text);
    }

  return g_string_free (g_steal_pointer (&censored), FALSE);
}
