/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <libsecret/secret.h>

G_BEGIN_DECLS

/* A login in the keyring. */
typedef struct
{
  char *username;        /* (owned) (nullable) */
  SecretValue *password; /* (owned) text */
} KeyringItem;

void keyring_item_free (KeyringItem *self);
/* Finds the item that has all @attributes, each "NAME:VALUE", and unlocks it, which may ask the user. */
void keyring_item_find_async (char **attributes,
                              const char *username,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
KeyringItem *keyring_item_find_finish (GAsyncResult *result,
                                       GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KeyringItem, keyring_item_free)

G_END_DECLS
