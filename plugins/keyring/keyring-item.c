/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "keyring/keyring-item.h"

#include <string.h>
#include <tornadis-glib/tornadis-glib.h>

#define USERNAME_ATTRIBUTE "username"

void
keyring_item_free (KeyringItem *self)
{
  g_free (self->username);
  g_clear_pointer (&self->password, secret_value_unref);
  g_free (self);
}

/* (transfer full) (nullable): by name. */
static GHashTable *
parse_attributes (char **attributes,
                  GError **error)
{
  g_autoptr (GHashTable) parsed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  for (guint i = 0; attributes != NULL && attributes[i] != NULL; i++)
    {
      const char *colon = strchr (attributes[i], ':');

      if (colon == NULL || colon == attributes[i])
        {
          g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "keyring: '%s' is not NAME:VALUE", attributes[i]);
          return NULL;
        }

      g_hash_table_insert (parsed, g_strndup (attributes[i], (gsize) (colon - attributes[i])), g_strdup (colon + 1));
    }

  if (g_hash_table_size (parsed) == 0)
    {
      g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "keyring has no attributes to look for");
      return NULL;
    }

  return g_steal_pointer (&parsed);
}

static void
retrieved_cb (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  SecretRetrievable *found = SECRET_RETRIEVABLE (object);
  g_autoptr (GHashTable) attributes = secret_retrievable_get_attributes (found);
  const char *username = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (SecretValue) password = secret_retrievable_retrieve_secret_finish (found, result, &error);
  KeyringItem *item;

  if (password == NULL || secret_value_get_text (password) == NULL)
    {
      if (error == NULL)
        error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "The keyring's secret is not a text");
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  if (username == NULL || *username == '\0')
    username = attributes != NULL ? g_hash_table_lookup (attributes, USERNAME_ATTRIBUTE) : NULL;

  item = g_new (KeyringItem, 1);
  *item = (KeyringItem){ g_strdup (username), g_steal_pointer (&password) };
  g_task_return_pointer (task, item, (GDestroyNotify) keyring_item_free);
}

static void
free_list (GList *list)
{
  g_list_free_full (list, g_object_unref);
}

/* That of several which is newest: a program that stores a new one may have other attributes in it. */
static SecretRetrievable *
find_newest (GList *items)
{
  SecretRetrievable *newest = NULL;

  for (GList *l = items; l != NULL; l = l->next)
    if (newest == NULL || secret_retrievable_get_modified (l->data) > secret_retrievable_get_modified (newest))
      newest = l->data;

  return newest;
}

static void
searched_cb (GObject *object,
             GAsyncResult *result,
             gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  GList *items = secret_password_search_finish (result, &error);

  if (error != NULL)
    g_task_return_error (task, g_steal_pointer (&error));
  else if (items == NULL)
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "The keyring has no such password");
  else
    secret_retrievable_retrieve_secret (find_newest (items), g_task_get_cancellable (task), retrieved_cb, g_object_ref (task));

  free_list (items);
}

void
keyring_item_find_async (char **attributes,
                         const char *username,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autoptr (GHashTable) parsed = NULL;
  GError *error = NULL;

  g_task_set_task_data (task, g_strdup (username), g_free);
  parsed = parse_attributes (attributes, &error);
  if (parsed == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  secret_password_searchv (NULL, parsed, SECRET_SEARCH_ALL | SECRET_SEARCH_UNLOCK, cancellable, searched_cb, g_object_ref (task));
}

KeyringItem *
keyring_item_find_finish (GAsyncResult *result,
                          GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
