/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/values/tornadis-reply-private.h"

#include <string.h>

#include "tornadis-glib/values/tornadis-number-text-private.h"

/* Replies as variants, and variants as replies. */

/* GVariant refuses to read more than 128 containers deep, and a map takes three of them a level. */
#define VARIANT_MAX_DEPTH 32

/* Of the first word of an error, such as WRONGTYPE. */
static gsize
get_prefix_length (const char *text)
{
  return strcspn (text, " \r\n");
}

static GVariant *
reply_data_to_variant (TornadisReply *self,
                       gboolean as_text)
{
  g_autoptr (GBytes) bytes = NULL;

  if (as_text && tornadis_reply_get_text (self) != NULL)
    return g_variant_new_string (self->data);

  bytes = tornadis_reply_get_bytes (self);
  return g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE);
}

static GVariant *
reply_error_to_variant (TornadisReply *self)
{
  g_autofree char *text = tornadis_reply_dup_text (self);
  g_autofree char *prefix = g_strndup (text, get_prefix_length (text));

  return g_variant_new ("(ss)", prefix, text);
}

static GVariant *
reply_build_variant (TornadisReply *self,
                     guint depth)
{
  GVariantBuilder builder;

  if (tornadis_reply_kind_is_aggregate (self->kind) && depth >= VARIANT_MAX_DEPTH)
    return g_variant_new_take_string (tornadis_reply_to_string (self));

  switch (self->kind)
    {
    case TORNADIS_REPLY_KIND_STATUS:
    case TORNADIS_REPLY_KIND_BIG_NUMBER:
    case TORNADIS_REPLY_KIND_VERBATIM:
      return reply_data_to_variant (self, TRUE);
    case TORNADIS_REPLY_KIND_STRING:
      return reply_data_to_variant (self, FALSE);
    case TORNADIS_REPLY_KIND_ERROR:
      return reply_error_to_variant (self);
    case TORNADIS_REPLY_KIND_INTEGER:
      return g_variant_new_int64 (self->v.integer);
    case TORNADIS_REPLY_KIND_DOUBLE:
      return g_variant_new_double (self->v.number);
    case TORNADIS_REPLY_KIND_BOOLEAN:
      return g_variant_new_boolean (self->v.boolean);
    case TORNADIS_REPLY_KIND_MAP:
      g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(vv)"));
      for (gsize i = 0; i + 1 < self->length; i += 2)
        g_variant_builder_add (&builder, "(vv)",
                               reply_build_variant (tornadis_reply_get_elements (self)[i], depth + 1),
                               reply_build_variant (tornadis_reply_get_elements (self)[i + 1], depth + 1));
      return g_variant_builder_end (&builder);
    case TORNADIS_REPLY_KIND_ARRAY:
    case TORNADIS_REPLY_KIND_SET:
    case TORNADIS_REPLY_KIND_PUSH:
      g_variant_builder_init (&builder, G_VARIANT_TYPE ("av"));
      for (gsize i = 0; i < self->length; i++)
        g_variant_builder_add (&builder, "v", reply_build_variant (tornadis_reply_get_elements (self)[i], depth + 1));
      return g_variant_builder_end (&builder);
    case TORNADIS_REPLY_KIND_NIL:
    default:
      return g_variant_new_maybe (G_VARIANT_TYPE_VARIANT, NULL);
    }
}

/**
 * tornadis_reply_to_variant:
 * @self: a reply
 *
 * Creates a #GVariant from @self, whose type follows from the kind:
 *
 * | kind | type |
 * | ---- | ---- |
 * | NIL | `mv`, nothing |
 * | INTEGER | `x` |
 * | DOUBLE | `d` |
 * | BOOLEAN | `b` |
 * | STRING | `ay`, without a 0 byte at the end |
 * | STATUS, BIG_NUMBER, VERBATIM | `s`, or `ay` if [method@Tornadis.Reply.get_text] is %NULL |
 * | ERROR | `(ss)`: the first word, such as `WRONGTYPE`, and the whole text |
 * | ARRAY, SET, PUSH | `av` |
 * | MAP | `a(vv)` |
 *
 * A #GVariant can't be nested without end: what stands below 32 levels of ARRAY, SET, PUSH and MAP
 * comes as an `s` with what [method@Tornadis.Reply.to_string] returns instead.
 *
 * Returns: (transfer full): the variant, not floating
 *
 * Since: 1.0
 */
GVariant *
tornadis_reply_to_variant (TornadisReply *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_variant_ref_sink (reply_build_variant (self, 0));
}

static TornadisReply *reply_from_variant (GVariant *value);

static TornadisReply *
reply_new_text (const char *text)
{
  return tornadis_reply_new_data (TORNADIS_REPLY_KIND_STATUS, text, strlen (text));
}

static TornadisReply *
reply_new_integer (gint64 integer)
{
  TornadisReply *self = tornadis_reply_alloc (TORNADIS_REPLY_KIND_INTEGER, 0);

  self->v.integer = integer;

  return self;
}

static TornadisReply *
reply_new_natural (guint64 natural)
{
  char text[TORNADIS_NUMBER_TEXT_SIZE];

  if (natural <= G_MAXINT64)
    return reply_new_integer ((gint64) natural);

  return tornadis_reply_new_data (TORNADIS_REPLY_KIND_BIG_NUMBER, text, tornadis_number_text_from_uint64 (text, natural));
}

static TornadisReply *
reply_new_double (double number)
{
  TornadisReply *self = tornadis_reply_alloc (TORNADIS_REPLY_KIND_DOUBLE, 0);

  self->v.number = number;

  return self;
}

static TornadisReply *
reply_new_boolean (gboolean boolean)
{
  TornadisReply *self = tornadis_reply_alloc (TORNADIS_REPLY_KIND_BOOLEAN, 0);

  self->v.boolean = boolean;

  return self;
}

static TornadisReply *
reply_new_bytes (GVariant *value)
{
  gsize length;
  const void *data = g_variant_get_fixed_array (value, &length, sizeof (guint8));

  return tornadis_reply_new_data (TORNADIS_REPLY_KIND_STRING, data, length);
}

/* From the first word and the whole text, or what follows the first word. */
static TornadisReply *
reply_new_error (GVariant *value)
{
  g_autofree char *text = NULL;
  const char *prefix, *words;

  g_variant_get (value, "(&s&s)", &prefix, &words);
  if (*prefix == '\0' || (strlen (prefix) == get_prefix_length (words) && g_str_has_prefix (words, prefix)))
    return tornadis_reply_new_data (TORNADIS_REPLY_KIND_ERROR, words, strlen (words));

  text = g_strjoin (" ", prefix, words, NULL);
  return tornadis_reply_new_data (TORNADIS_REPLY_KIND_ERROR, text, strlen (text));
}

static TornadisReply *
reply_new_elements (TornadisReplyKind kind,
                    GVariant *value)
{
  gsize n = g_variant_n_children (value);
  TornadisReply **elements = g_new (TornadisReply *, n);

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (value, i);

      elements[i] = reply_from_variant (child);
    }

  return tornadis_reply_new_array (kind, elements, n);
}

/* The entries are pairs of any type. */
static TornadisReply *
reply_new_map (GVariant *value)
{
  gsize n = g_variant_n_children (value);
  TornadisReply **elements = g_new (TornadisReply *, 2 * n);

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (value, i);

      for (gsize j = 0; j < 2; j++)
        {
          g_autoptr (GVariant) part = g_variant_get_child_value (entry, j);

          elements[2 * i + j] = reply_from_variant (part);
        }
    }

  return tornadis_reply_new_array (TORNADIS_REPLY_KIND_MAP, elements, 2 * n);
}

static TornadisReply *
reply_from_array (GVariant *value)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BYTESTRING))
    return reply_new_bytes (value);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_DICTIONARY) || g_variant_is_of_type (value, G_VARIANT_TYPE ("a(vv)")))
    return reply_new_map (value);

  return reply_new_elements (TORNADIS_REPLY_KIND_ARRAY, value);
}

static TornadisReply *
reply_from_tuple (GVariant *value)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_UNIT))
    return tornadis_reply_alloc (TORNADIS_REPLY_KIND_NIL, 0);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE ("(ss)")))
    return reply_new_error (value);

  return reply_new_elements (TORNADIS_REPLY_KIND_ARRAY, value);
}

static TornadisReply *
reply_from_maybe (GVariant *value)
{
  g_autoptr (GVariant) just = g_variant_get_maybe (value);

  return just != NULL ? reply_from_variant (just) : tornadis_reply_alloc (TORNADIS_REPLY_KIND_NIL, 0);
}

static TornadisReply *
reply_from_boxed (GVariant *value)
{
  g_autoptr (GVariant) inside = g_variant_get_variant (value);

  return reply_from_variant (inside);
}

/* Recursion goes no deeper than GVariant's own when it frees the value. */
static TornadisReply *
reply_from_variant (GVariant *value)
{
  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_BOOLEAN:
      return reply_new_boolean (g_variant_get_boolean (value));
    case G_VARIANT_CLASS_BYTE:
      return reply_new_integer (g_variant_get_byte (value));
    case G_VARIANT_CLASS_INT16:
      return reply_new_integer (g_variant_get_int16 (value));
    case G_VARIANT_CLASS_UINT16:
      return reply_new_integer (g_variant_get_uint16 (value));
    case G_VARIANT_CLASS_INT32:
      return reply_new_integer (g_variant_get_int32 (value));
    case G_VARIANT_CLASS_UINT32:
      return reply_new_integer (g_variant_get_uint32 (value));
    case G_VARIANT_CLASS_INT64:
      return reply_new_integer (g_variant_get_int64 (value));
    case G_VARIANT_CLASS_UINT64:
      return reply_new_natural (g_variant_get_uint64 (value));
    case G_VARIANT_CLASS_HANDLE:
      return reply_new_integer (g_variant_get_handle (value));
    case G_VARIANT_CLASS_DOUBLE:
      return reply_new_double (g_variant_get_double (value));
    case G_VARIANT_CLASS_STRING:
    case G_VARIANT_CLASS_OBJECT_PATH:
    case G_VARIANT_CLASS_SIGNATURE:
      return reply_new_text (g_variant_get_string (value, NULL));
    case G_VARIANT_CLASS_VARIANT:
      return reply_from_boxed (value);
    case G_VARIANT_CLASS_MAYBE:
      return reply_from_maybe (value);
    case G_VARIANT_CLASS_ARRAY:
      return reply_from_array (value);
    case G_VARIANT_CLASS_DICT_ENTRY:
      return reply_new_elements (TORNADIS_REPLY_KIND_MAP, value);
    case G_VARIANT_CLASS_TUPLE:
    default:
      return reply_from_tuple (value);
    }
}

/**
 * tornadis_reply_new_from_variant:
 * @value: a variant of any type; a floating one is consumed
 *
 * Creates a reply from a #GVariant: what [method@Tornadis.Reply.to_variant] returned, or what is written by hand in a
 * test.
 *
 * | type | kind |
 * | ---- | ---- |
 * | `s`, `o`, `g` | STATUS: text |
 * | `ay` | STRING, all of its bytes |
 * | `y`, `n`, `q`, `i`, `u`, `x`, `h` | INTEGER |
 * | `t` | INTEGER, or BIG_NUMBER above 2⁶³ - 1 |
 * | `d` | DOUBLE |
 * | `b` | BOOLEAN |
 * | `(ss)` | ERROR: the first word and the whole text, or the words that follow it |
 * | `a(vv)`, `a{…}`, `{…}` | MAP |
 * | all other arrays and tuples | ARRAY |
 * | `m…` with nothing in it, `()` | NIL |
 * | `m…` with something in it, `v` | what is inside |
 *
 * What [method@Tornadis.Reply.to_variant] returns for the reply is @value again, if it created @value. BIG_NUMBER and
 * VERBATIM are then a STATUS, which has the same getters, and SET and PUSH an ARRAY: a variant has no type of their own.
 *
 * Returns: (transfer full): a new reply
 *
 * Since: 1.0
 */
TornadisReply *
tornadis_reply_new_from_variant (GVariant *value)
{
  g_autoptr (GVariant) held = NULL;

  g_return_val_if_fail (value != NULL, NULL);

  held = g_variant_ref_sink (value);

  return reply_from_variant (held);
}
