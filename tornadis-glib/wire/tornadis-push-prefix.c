/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-push-prefix.h"

#define MAX_LENGTH 512

/* What most pushes begin with: all have the same node, which takes no counting. */
#define STATIC_NAME(text)                                                                                           \
  {                                                                                                                 \
    .ref_count = TORNADIS_REPLY_STATIC, .kind = TORNADIS_REPLY_KIND_STRING, .length = sizeof text - 1, .data = text \
  }

static TornadisReply message_name = STATIC_NAME ("message");
static TornadisReply pmessage_name = STATIC_NAME ("pmessage");
static TornadisReply smessage_name = STATIC_NAME ("smessage");

static inline gboolean
is_name (const TornadisReply *name,
         const guint8 *data,
         gsize length)
{
  return name->length == length && memcmp (name->data, data, length) == 0;
}

static TornadisReply *
make_name (const guint8 *data,
           gsize length)
{
  TornadisReply *const names[] = { &message_name, &pmessage_name, &smessage_name };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (is_name (names[i], data, length))
      return names[i];

  return tornadis_reply_new_data (TORNADIS_REPLY_KIND_STRING, data, length);
}

TornadisReply *
tornadis_push_prefix_get_name (TornadisPushPrefix *self,
                               gsize i,
                               const guint8 *data,
                               gsize length)
{
  TornadisReply **name = &self->names[i];

  if (*name == NULL || !is_name (*name, data, length))
    {
      self->length = 0;
      g_clear_pointer (name, tornadis_reply_unref);
      *name = make_name (data, length);
    }

  return tornadis_reply_ref (*name);
}

void
tornadis_push_prefix_keep (TornadisPushPrefix *self,
                           const guint8 *data,
                           const guint8 *end,
                           TornadisReply *const *values,
                           gsize n_values,
                           gsize cost)
{
  gsize length = (gsize) (end - data);

  g_assert (n_values < G_N_ELEMENTS (self->names));

  /* There may be other elements, such as integers, among the names. A string is the same pointer that
   * tornadis_push_prefix_get_name() returned. */
  for (gsize i = 0; i < n_values; i++)
    if (values[i] != self->names[i])
      return;

  if (length > MAX_LENGTH)
    return;

  if (self->bytes == NULL)
    self->bytes = g_malloc (MAX_LENGTH);
  memcpy (self->bytes, data, length);
  self->length = length;
  self->cost = cost;
  self->n_names = (guint) n_values + 1;
}

void
tornadis_push_prefix_clear (TornadisPushPrefix *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->names); i++)
    g_clear_pointer (&self->names[i], tornadis_reply_unref);
  g_clear_pointer (&self->bytes, g_free);
  self->length = 0;
}
