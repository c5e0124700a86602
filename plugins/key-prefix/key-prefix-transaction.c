/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "key-prefix/key-prefix-transaction.h"

#include "common/commands.h"

struct _KeyTransaction
{
  GByteArray *queued; /* (owned) (nullable) the roles of the commands that the server has queued, KeyRole each */
};

KeyTransaction *
key_transaction_new (void)
{
  return g_new0 (KeyTransaction, 1);
}

void
key_transaction_free (KeyTransaction *self)
{
  key_transaction_end (self);
  g_free (self);
}

gboolean
key_transaction_is_begun (KeyTransaction *self)
{
  return self->queued != NULL;
}

void
key_transaction_end (KeyTransaction *self)
{
  g_clear_pointer (&self->queued, g_byte_array_unref);
}

void
key_transaction_follow (KeyTransaction *self,
                        KeyRole role,
                        TornadisReply *reply)
{
  guint8 byte = (guint8) role;
  gboolean begins = role == KEY_ROLE_MULTI && reply != NULL && !tornadis_reply_is_error (reply);

  if (reply_is_queued (reply))
    {
      if (self->queued != NULL)
        g_byte_array_append (self->queued, &byte, 1);
      return;
    }

  /* MULTI within a transaction is an error that leaves it as it is. */
  if (begins || role == KEY_ROLE_EXEC || role == KEY_ROLE_DISCARD)
    key_transaction_end (self);
  if (begins)
    self->queued = g_byte_array_new ();
}

TornadisReply *
key_transaction_read (KeyTransaction *self,
                      GBytes *prefix,
                      KeyRole role,
                      TornadisReply *reply)
{
  g_autoptr (TornadisReply) read = NULL;

  if (self != NULL && self->queued != NULL && role == KEY_ROLE_EXEC)
    read = key_transaction_read_all (NULL, prefix, self->queued, reply);
  else
    read = key_prefix_remove (prefix, role, reply);

  if (self != NULL)
    key_transaction_follow (self, role, reply);

  return g_steal_pointer (&read);
}

TornadisReply *
key_transaction_read_all (KeyTransaction *self,
                          GBytes *prefix,
                          GByteArray *roles,
                          TornadisReply *reply)
{
  g_autoptr (GPtrArray) elements = NULL;
  gboolean changed = FALSE;

  /* A transaction that did not run has no replies. */
  if (tornadis_reply_get_n_elements (reply) != roles->len)
    return tornadis_reply_ref (reply);

  elements = g_ptr_array_new_full (roles->len, (GDestroyNotify) tornadis_reply_unref);
  for (guint i = 0; i < roles->len; i++)
    {
      TornadisReply *element = tornadis_reply_get_element (reply, i);

      g_ptr_array_add (elements, key_transaction_read (self, prefix, (KeyRole) roles->data[i], element));
      changed |= g_ptr_array_index (elements, i) != element;
    }

  if (!changed)
    return tornadis_reply_ref (reply);
  return tornadis_reply_new_nested (tornadis_reply_get_kind (reply), (TornadisReply **) elements->pdata, elements->len);
}
