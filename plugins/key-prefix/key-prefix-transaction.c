/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "key-prefix/key-prefix-transaction.h"

struct _KeyTransaction
{
  gboolean open;      /* MULTI was sent, and EXEC was not */
  gboolean active;    /* the same, but by the replies */
  GByteArray *queued; /* (owned) the roles of the commands that the server has queued, KeyRole each */
};

KeyTransaction *
key_transaction_new (void)
{
  KeyTransaction *self = g_new0 (KeyTransaction, 1);

  self->queued = g_byte_array_new ();

  return self;
}

void
key_transaction_free (KeyTransaction *self)
{
  g_byte_array_unref (self->queued);
  g_free (self);
}

void
key_transaction_send (KeyTransaction *self,
                      KeyRole role)
{
  if (role == KEY_ROLE_MULTI || role == KEY_ROLE_EXEC || role == KEY_ROLE_DISCARD)
    self->open = role == KEY_ROLE_MULTI;
}

gboolean
key_transaction_is_open (KeyTransaction *self)
{
  return self->open;
}

static gboolean
reply_is_queued (TornadisReply *reply)
{
  return tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_STATUS &&
         g_strcmp0 (tornadis_reply_get_text (reply), "QUEUED") == 0;
}

void
key_transaction_follow (KeyTransaction *self,
                        KeyRole role,
                        TornadisReply *reply)
{
  guint8 byte = (guint8) role;
  gboolean begins = role == KEY_ROLE_MULTI && reply != NULL && !tornadis_reply_is_error (reply);

  if (reply != NULL && reply_is_queued (reply))
    {
      if (self->active)
        g_byte_array_append (self->queued, &byte, 1);
      return;
    }

  /* MULTI within a transaction is an error that leaves it as it is. */
  if (begins || role == KEY_ROLE_EXEC || role == KEY_ROLE_DISCARD)
    {
      self->active = begins;
      g_byte_array_set_size (self->queued, 0);
    }
}

TornadisReply *
key_transaction_read (KeyTransaction *self,
                      GBytes *prefix,
                      KeyRole role,
                      TornadisReply *reply)
{
  g_autoptr (TornadisReply) read = NULL;

  if (self != NULL && role == KEY_ROLE_EXEC)
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
