/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/values/tornadis-reply-private.h"

#include <string.h>

#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-number-text-private.h"
#include "tornadis-glib/values/tornadis-reply-block-private.h"
#include "tornadis-glib/values/tornadis-reply-pack-private.h"

/**
 * TornadisReply:
 *
 * One reply of the server: a value, or a tree of values.
 *
 * A reply never changes once it is there, so it may be passed between threads. An element is a reply
 * of its own: with a reference it outlives the reply in which it came.
 *
 * What the server sends is its own affair, and differs between RESP2 and RESP3 as well. The getters
 * therefore take a reply of any kind: one that has no such value gives 0, %FALSE or %NULL, and those that
 * ask for a number read text as well. A program that must know looks at [method@Tornadis.Reply.get_kind].
 *
 * Since: 1.0
 */

G_DEFINE_BOXED_TYPE (TornadisReply, tornadis_reply, tornadis_reply_ref, tornadis_reply_unref)

static inline void
reply_init (TornadisReply *self,
            TornadisReplyKind kind,
            gsize length)
{
  self->ref_count = 1;
  self->kind = kind;
  self->offset = 0;
  self->length = length;
}

TornadisReply *
tornadis_reply_alloc (TornadisReplyKind kind,
                      gsize length)
{
  TornadisReply *self;

  if (tornadis_reply_kind_has_data (kind))
    {
      self = g_malloc (sizeof *self + length + 1);
      self->data[length] = '\0';
    }
  else
    {
      self = g_malloc (sizeof *self);
    }

  reply_init (self, kind, length);

  return self;
}

TornadisReply *
tornadis_reply_new_data (TornadisReplyKind kind,
                         const void *data,
                         gsize length)
{
  TornadisReply *self = tornadis_reply_alloc (kind, length);

  if (length > 0)
    memcpy (self->data, data, length);

  return self;
}

gboolean
tornadis_reply_data_is_text (const char *data,
                             gsize length)
{
  const guint64 ones = G_GUINT64_CONSTANT (0x0101010101010101);
  const guint64 highs = ones << 7;
  gsize i;

  /* Most text is ASCII: eight bytes at a time, for as long as none is a NUL or beyond it. */
  for (i = 0; i + sizeof (guint64) <= length; i += sizeof (guint64))
    {
      guint64 word;

      memcpy (&word, data + i, sizeof word);
      if (G_UNLIKELY ((((word - ones) | word) & highs) != 0))
        break;
    }

  return i == length || g_utf8_validate_len (data + i, length - i, NULL);
}

TornadisReply *
tornadis_reply_new_array (TornadisReplyKind kind,
                          TornadisReply **elements,
                          gsize n_elements)
{
  TornadisReply *self = tornadis_reply_alloc (kind, n_elements);

  self->v.elements = elements;

  return self;
}

static inline TornadisReply **
reply_get_array_behind (TornadisReply *self)
{
  return (gpointer) self->data;
}

TornadisReply *
tornadis_reply_alloc_array (TornadisReplyKind kind,
                            gsize n_elements)
{
  TornadisReply *self = g_malloc (sizeof *self + n_elements * sizeof (TornadisReply *));

  reply_init (self, kind, n_elements);
  self->v.elements = reply_get_array_behind (self);

  return self;
}

/**
 * tornadis_reply_new_string:
 * @value: the bytes
 *
 * Creates a reply of kind %TORNADIS_REPLY_KIND_STRING, for plugins that answer calls.
 *
 * Returns: (transfer full): the reply
 *
 * Since: 1.0
 */
TornadisReply *
tornadis_reply_new_string (GBytes *value)
{
  gconstpointer data;
  gsize length;

  g_return_val_if_fail (value != NULL, NULL);

  data = g_bytes_get_data (value, &length);

  return tornadis_reply_new_data (TORNADIS_REPLY_KIND_STRING, data, length);
}

/**
 * tornadis_reply_new_nested:
 * @kind: ARRAY, MAP, SET or PUSH
 * @elements: (array length=n_elements) (nullable): the elements, which are not copied; those of a MAP are keys and
 *   values in turn
 * @n_elements: how many
 *
 * Creates a reply of others, for plugins that answer calls.
 *
 * Returns: (transfer full): the reply
 *
 * Since: 1.0
 */
TornadisReply *
tornadis_reply_new_nested (TornadisReplyKind kind,
                           TornadisReply **elements,
                           gsize n_elements)
{
  TornadisReply *self;

  g_return_val_if_fail (tornadis_reply_kind_is_aggregate (kind), NULL);
  g_return_val_if_fail (elements != NULL || n_elements == 0, NULL);
  g_return_val_if_fail (kind != TORNADIS_REPLY_KIND_MAP || n_elements % 2 == 0, NULL);

  self = tornadis_reply_alloc_array (kind, n_elements);
  for (gsize i = 0; i < n_elements; i++)
    self->v.elements[i] = tornadis_reply_ref (elements[i]);

  return self;
}

/**
 * tornadis_reply_ref:
 * @self: a reply
 *
 * Takes a reference to @self.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
TornadisReply *
tornadis_reply_ref (TornadisReply *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  if (g_atomic_int_get (&self->ref_count) != TORNADIS_REPLY_STATIC)
    g_atomic_int_inc (&self->ref_count);

  return self;
}

/* Whether the caller's reference was the last one. Nobody can take another while there is only one, so
 * that the locked instruction is needed for shared replies alone. */
static inline gboolean
reply_drop (TornadisReply *self)
{
  int ref_count = g_atomic_int_get (&self->ref_count);

  return ref_count == 1 || (ref_count != TORNADIS_REPLY_STATIC && g_atomic_int_dec_and_test (&self->ref_count));
}

/* Nodes of a block that were freed one after the other. */
typedef struct
{
  TornadisReplyBlock *block; /* (nullable) */
  int n;
} FreedNodes;

static inline void
freed_nodes_flush (FreedNodes *freed)
{
  if (freed->block != NULL)
    tornadis_reply_block_drop (freed->block, freed->n);
}

static inline void
reply_free (TornadisReply *self,
            FreedNodes *freed)
{
  if (G_UNLIKELY (self->offset == TORNADIS_REPLY_EMBEDDED))
    {
      self->v.free_owner (self);
      return;
    }
  if (self->offset > TORNADIS_REPLY_PACKED)
    {
      TornadisReplyBlock *block = tornadis_reply_get_block (self);

      if (block != freed->block)
        {
          freed_nodes_flush (freed);
          *freed = (FreedNodes){ block, 0 };
        }
      freed->n++;
      return;
    }

  if (tornadis_reply_kind_is_aggregate (self->kind) && self->v.elements != reply_get_array_behind (self))
    g_free (self->v.elements);
  tornadis_reply_pack_free (self);
}

static inline gboolean
reply_has_nodes (const TornadisReply *self)
{
  return tornadis_reply_kind_is_aggregate (self->kind) && self->v.elements != NULL;
}

/* Frees a tree of any depth without recursion and without memory of its own: elements go from the
 * last to the first with the length counting down, and while a child is being freed the pointer that
 * held it holds the way back up. */
static void
reply_free_tree (TornadisReply *self,
                 FreedNodes *freed)
{
  TornadisReply *parent = NULL;

  for (;;)
    {
      while (self->length > 0)
        {
          TornadisReply **place = &self->v.elements[self->length - 1];
          TornadisReply *child = *place;

          if (reply_drop (child))
            {
              if (reply_has_nodes (child) && child->length > 0)
                {
                  *place = parent;
                  parent = self;
                  self = child;
                  continue;
                }
              reply_free (child, freed);
            }
          self->length--;
        }

      reply_free (self, freed);
      if (parent == NULL)
        return;

      self = parent;
      self->length--;
      parent = self->v.elements[self->length];
    }
}

/* Apart, so that a single node saves no registers for it: 12 instructions. */
static G_NO_INLINE void
reply_free_nodes (TornadisReply *self)
{
  FreedNodes freed = { NULL, 0 };

  reply_free_tree (self, &freed);
  freed_nodes_flush (&freed);
}

/**
 * tornadis_reply_unref:
 * @self: (transfer full): a reply
 *
 * Drops a reference to @self. The last one frees it, and those of its elements that have no other
 * reference.
 *
 * Since: 1.0
 */
void
tornadis_reply_unref (TornadisReply *self)
{
  g_return_if_fail (self != NULL);

  if (!reply_drop (self))
    return;

  if (reply_has_nodes (self))
    {
      reply_free_nodes (self);
    }
  else if (self->offset == TORNADIS_REPLY_EMBEDDED)
    {
      self->v.free_owner (self);
    }
  else if (self->offset > TORNADIS_REPLY_PACKED)
    {
      tornadis_reply_block_drop (tornadis_reply_get_block (self), 1);
    }
  else
    {
      tornadis_reply_pack_free (self);
    }
}

/**
 * tornadis_reply_get_kind:
 * @self: a reply
 *
 * Gets what @self is.
 *
 * Returns: the kind
 *
 * Since: 1.0
 */
TornadisReplyKind
tornadis_reply_get_kind (TornadisReply *self)
{
  g_return_val_if_fail (self != NULL, TORNADIS_REPLY_KIND_NIL);

  return self->kind;
}

/**
 * tornadis_reply_get_integer:
 * @self: a reply
 *
 * Gets the value of an INTEGER; a BOOLEAN gives 1 or 0.
 *
 * STRING, STATUS, BIG_NUMBER and VERBATIM give their number when the whole text is a decimal number of 64
 * bits: Redis stores numbers as text, so that a counter read with `GET` is a STRING.
 *
 * Returns: the number, 0 if there is none
 *
 * Since: 1.0
 */
gint64
tornadis_reply_get_integer (TornadisReply *self)
{
  gint64 value;

  g_return_val_if_fail (self != NULL, 0);

  if (self->kind == TORNADIS_REPLY_KIND_INTEGER)
    return self->v.integer;
  if (self->kind == TORNADIS_REPLY_KIND_BOOLEAN)
    return self->v.boolean ? 1 : 0;
  if (!tornadis_reply_kind_has_data (self->kind) || self->kind == TORNADIS_REPLY_KIND_ERROR ||
      !tornadis_number_text_to_int64 (self->data, self->length, &value))
    return 0;

  return value;
}

/**
 * tornadis_reply_get_double:
 * @self: a reply
 *
 * Gets the value of a DOUBLE, or that of an INTEGER or a BOOLEAN as a double.
 *
 * STRING, STATUS, BIG_NUMBER and VERBATIM give their number when the whole text is one: RESP2 has no other way to say
 * a score. `inf`, `-inf` and `nan` are numbers too, in all spellings that C libraries have, such as `-nan` or
 * `Infinity`: servers before Redis 7.2 print that of their own.
 *
 * Returns: the number, 0 if there is none
 *
 * Since: 1.0
 */
double
tornadis_reply_get_double (TornadisReply *self)
{
  double value;

  g_return_val_if_fail (self != NULL, 0);

  if (self->kind == TORNADIS_REPLY_KIND_DOUBLE)
    return self->v.number;
  if (self->kind == TORNADIS_REPLY_KIND_INTEGER)
    {
      /* The x87 of 32 bit returns more digits than a double has, unless it was in memory. */
      volatile double number = (double) self->v.integer;

      return number;
    }
  if (self->kind == TORNADIS_REPLY_KIND_BOOLEAN)
    return self->v.boolean ? 1 : 0;
  if (!tornadis_reply_kind_has_data (self->kind) || self->kind == TORNADIS_REPLY_KIND_ERROR ||
      !tornadis_number_text_to_double (self->data, self->length, &value))
    return 0;

  return value;
}

/**
 * tornadis_reply_get_boolean:
 * @self: a reply
 *
 * Gets the value of a BOOLEAN. An INTEGER is %TRUE unless it is 0, and the STATUS `OK` is %TRUE.
 *
 * Returns: the value, %FALSE if there is none
 *
 * Since: 1.0
 */
gboolean
tornadis_reply_get_boolean (TornadisReply *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  if (self->kind == TORNADIS_REPLY_KIND_BOOLEAN)
    return self->v.boolean;
  if (self->kind == TORNADIS_REPLY_KIND_INTEGER)
    return self->v.integer != 0;

  return self->kind == TORNADIS_REPLY_KIND_STATUS && self->length == 2 && memcmp (self->data, "OK", 2) == 0;
}

/**
 * tornadis_reply_get_bytes:
 * @self: a reply
 *
 * Gets the bytes of a STRING, STATUS, ERROR, BIG_NUMBER or VERBATIM. They are not copied: they keep the
 * reply alive.
 *
 * Returns: (transfer full) (nullable): the bytes, %NULL for other kinds
 *
 * Since: 1.0
 */
GBytes *
tornadis_reply_get_bytes (TornadisReply *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  if (!tornadis_reply_kind_has_data (self->kind))
    return NULL;

  return g_bytes_new_with_free_func (self->data, self->length,
                                     (GDestroyNotify) tornadis_reply_unref, tornadis_reply_ref (self));
}

/**
 * tornadis_reply_get_data:
 * @self: a reply
 * @len: (out) (optional): return location for the number of bytes
 *
 * Gets the bytes of a STRING, STATUS, ERROR, BIG_NUMBER or VERBATIM. A 0 byte stands behind them that is
 * not counted.
 *
 * Returns: (array length=len) (transfer none) (nullable): the bytes, which belong to the reply; %NULL
 *   for other kinds
 *
 * Since: 1.0
 */
const guint8 *
tornadis_reply_get_data (TornadisReply *self,
                         gsize *len)
{
  if (G_LIKELY (self != NULL && tornadis_reply_kind_has_data (self->kind)))
    {
      if (len != NULL)
        *len = self->length;
      return (const guint8 *) self->data;
    }

  if (len != NULL)
    *len = 0;
  g_return_val_if_fail (self != NULL, NULL);

  return NULL;
}

/**
 * tornadis_reply_get_text:
 * @self: a reply
 *
 * Gets a STRING, STATUS, ERROR, BIG_NUMBER or VERBATIM as text.
 *
 * Returns: (transfer none) (nullable): the text, which belongs to the reply; %NULL for other kinds, and for
 *   bytes that are not UTF-8 or have a 0 among them
 *
 * Since: 1.0
 */
const char *
tornadis_reply_get_text (TornadisReply *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  if (!tornadis_reply_kind_has_data (self->kind) || !tornadis_reply_is_text (self))
    return NULL;

  return self->data;
}

/**
 * tornadis_reply_get_n_elements:
 * @self: a reply
 *
 * Gets the number of elements of an ARRAY, SET, PUSH or MAP. Keys and values of a MAP are elements in
 * turn: it has twice as many as it has pairs.
 *
 * Returns: the number of elements, 0 for other kinds
 *
 * Since: 1.0
 */
gsize
tornadis_reply_get_n_elements (TornadisReply *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return tornadis_reply_kind_is_aggregate (self->kind) ? self->length : 0;
}

/**
 * tornadis_reply_get_element:
 * @self: a reply
 * @i: which one, from 0
 *
 * Gets an element of an ARRAY, SET, PUSH or MAP, see [method@Tornadis.Reply.get_n_elements].
 *
 * Returns: (transfer none) (nullable): the element, %NULL if there are not so many
 *
 * Since: 1.0
 */
TornadisReply *
tornadis_reply_get_element (TornadisReply *self,
                            gsize i)
{
  g_return_val_if_fail (self != NULL, NULL);

  if (!tornadis_reply_kind_is_aggregate (self->kind) || i >= self->length)
    return NULL;

  return tornadis_reply_get_elements (self)[i];
}

/**
 * tornadis_reply_lookup:
 * @self: a reply
 * @key: a key
 *
 * Gets the value that belongs to @key in a MAP, or in an ARRAY of keys and values in turn: what RESP3 gives
 * as the one, RESP2 gives as the other, as with `HGETALL`. The first key whose bytes are those of @key
 * counts. It looks through all keys.
 *
 * Returns: (transfer none) (nullable): the value, %NULL if there is none
 *
 * Since: 1.0
 */
TornadisReply *
tornadis_reply_lookup (TornadisReply *self,
                       const char *key)
{
  TornadisReply **elements;
  gsize length;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (key != NULL, NULL);

  if ((self->kind != TORNADIS_REPLY_KIND_MAP && self->kind != TORNADIS_REPLY_KIND_ARRAY) || self->length == 0)
    return NULL;

  elements = tornadis_reply_get_elements (self);
  length = strlen (key);
  for (gsize i = 0; i + 1 < self->length; i += 2)
    {
      const TornadisReply *candidate = elements[i];

      if (tornadis_reply_kind_has_data (candidate->kind) && candidate->length == length &&
          memcmp (candidate->data, key, length) == 0)
        return elements[i + 1];
    }

  return NULL;
}

/**
 * tornadis_reply_is_error:
 * @self: a reply
 *
 * Gets whether @self is an ERROR. Elements do not count.
 *
 * Returns: whether it is one
 *
 * Since: 1.0
 */
gboolean
tornadis_reply_is_error (TornadisReply *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return self->kind == TORNADIS_REPLY_KIND_ERROR;
}

/**
 * tornadis_reply_dup_error:
 * @self: a reply
 *
 * Creates a %TORNADIS_ERROR_REPLY from an ERROR. Its message is the text of the server, with what is not
 * UTF-8 replaced.
 *
 * Returns: (transfer full) (nullable): the error, %NULL for other kinds
 *
 * Since: 1.0
 */
GError *
tornadis_reply_dup_error (TornadisReply *self)
{
  g_autofree char *text = NULL;

  g_return_val_if_fail (self != NULL, NULL);

  if (self->kind != TORNADIS_REPLY_KIND_ERROR)
    return NULL;

  text = tornadis_reply_dup_text (self);
  return g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_REPLY, text);
}
