/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-push-prefix.h"

#include "tornadis-glib/values/tornadis-number-text-private.h"

#define MAX_LENGTH 512
#define N_FORMER 256
/* Of TORNADIS_PUSH_PREFIX_MAX_NAME_LENGTH. */
#define MAX_DIGITS 3

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

/* Where a name of before is, if it is kept; its end is what tells it from others. */
static TornadisReply **
prefix_get_place (TornadisPushPrefix *self,
                  const guint8 *data,
                  gsize length)
{
  guint64 bytes = 0;
  gsize n = MIN (length, sizeof bytes);

  memcpy (&bytes, data + length - n, n);
  bytes = (bytes ^ length) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);

  return &self->former[(bytes >> 56) % N_FORMER];
}

/* (transfer full) (nullable) */
static TornadisReply *
prefix_take_former (TornadisPushPrefix *self,
                    const guint8 *data,
                    gsize length)
{
  TornadisReply **place = self->former != NULL ? prefix_get_place (self, data, length) : NULL;

  return place != NULL && *place != NULL && is_name (*place, data, length) ? g_steal_pointer (place) : NULL;
}

/* @name is (transfer full). */
static void
prefix_keep_former (TornadisPushPrefix *self,
                    TornadisReply *name)
{
  TornadisReply **place;

  if (self->former == NULL)
    self->former = g_new0 (TornadisReply *, N_FORMER);

  place = prefix_get_place (self, (const guint8 *) name->data, name->length);
  g_clear_pointer (place, tornadis_reply_unref);
  *place = name;
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
      TornadisReply *former = g_steal_pointer (name);

      self->length = 0;
      *name = prefix_take_former (self, data, length);
      if (*name == NULL)
        *name = make_name (data, length);
      if (former != NULL)
        prefix_keep_former (self, former);
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
  self->head = length - self->names[n_values]->length - strlen ("\r\n\r\n");
  while (data[self->head - 1] != '$')
    self->head--;
  self->cost = cost;
  self->n_names = (guint) n_values + 1;
}

gboolean
tornadis_push_prefix_switch (TornadisPushPrefix *self,
                             const guint8 *data,
                             const guint8 *end)
{
  const guint8 *digits = data + self->head;
  const guint8 *p = digits;
  TornadisReply **last;
  TornadisReply *name;
  guint64 length;
  gsize size;

  if (self->length == 0 || self->former == NULL || (gsize) (end - data) <= self->head ||
      memcmp (data, self->bytes, self->head) != 0)
    return FALSE;

  length = tornadis_number_text_read_digits (&p, end);
  size = (gsize) (p - data) + length + strlen ("\r\n\r\n");
  if (p == digits || p - digits > MAX_DIGITS || length > TORNADIS_PUSH_PREFIX_MAX_NAME_LENGTH || size > MAX_LENGTH ||
      (gsize) (end - data) < size || memcmp (p, "\r\n", 2) != 0 || memcmp (p + 2 + length, "\r\n", 2) != 0)
    return FALSE;

  name = prefix_take_former (self, p + 2, length);
  if (name == NULL)
    return FALSE;

  last = &self->names[self->n_names - 1];
  memcpy (self->bytes + self->head, data + self->head, size - self->head);
  self->length = size;
  self->cost += length;
  self->cost -= (*last)->length;
  prefix_keep_former (self, *last);
  *last = name;

  return TRUE;
}

void
tornadis_push_prefix_clear (TornadisPushPrefix *self)
{
  for (guint i = 0; self->former != NULL && i < N_FORMER; i++)
    g_clear_pointer (&self->former[i], tornadis_reply_unref);
  g_clear_pointer (&self->former, g_free);
  for (guint i = 0; i < G_N_ELEMENTS (self->names); i++)
    g_clear_pointer (&self->names[i], tornadis_reply_unref);
  g_clear_pointer (&self->bytes, g_free);
  self->length = 0;
}
