/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether replies belong to their calls: behind every so many commands an ECHO of a text goes out that nobody can guess. The
 * texts of a connection are a random number and a count, so that nothing is kept of one that is under way. */

#include "tornadis-glib/wire/tornadis-link-private.h"

#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-reply-private.h"

/* With its zero. */
#define TAG_SIZE 34

static void
link_make_tag (TornadisLink *self,
               guint64 n,
               char tag[static TAG_SIZE])
{
  g_snprintf (tag, TAG_SIZE, "%016" G_GINT64_MODIFIER "x.%016" G_GINT64_MODIFIER "x", self->verify_key, n);
}

/* Who may not call ECHO, or is logged in no more, is told nothing. */
static gboolean
reply_is_refusal (const TornadisReply *reply)
{
  return reply->kind == TORNADIS_REPLY_KIND_ERROR &&
         (g_str_has_prefix (reply->data, "NOPERM ") || g_str_has_prefix (reply->data, "NOAUTH "));
}

static void
echoed_cb (TornadisReply *reply,
           const GError *error,
           gpointer user_data)
{
  TornadisLink *self = user_data;
  g_autoptr (GError) lost = NULL;
  char tag[TAG_SIZE];
  gboolean held;

  /* One that ends with its connection needs no answer. */
  if (error != NULL || self->connection == NULL)
    return;

  link_make_tag (self, self->n_checked++, tag);
  if (reply_is_refusal (reply) || (reply->kind == TORNADIS_REPLY_KIND_STRING && tornadis_reply_equals_text (reply, tag)))
    return;

  lost = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "Replies do not belong to their calls");
  held = tornadis_link_enter (self);
  tornadis_queue_distrust (self->queue);
  tornadis_link_lost (self, lost);
  tornadis_link_leave (self, held);
}

void
tornadis_link_verify (TornadisLink *self,
                      gsize n_commands)
{
  const TornadisOrigin origin = { .func = echoed_cb, .user_data = self, .notifies = TORNADIS_NOTIFIES_MAKER };
  g_autoptr (TornadisCommand) echo = NULL;
  char tag[TAG_SIZE];

  self->n_unverified += n_commands;
  /* The server would queue it for EXEC, or refuse it to a pub/sub client. */
  if (self->n_unverified < self->settings.verify_replies || self->connection == NULL || self->unusable ||
      tornadis_queue_get_expected (self->queue).in_multi || (self->protocol_version < 3 && self->settings.push_arrays))
    return;

  self->n_unverified = 0;
  link_make_tag (self, self->n_checks++, tag);
  echo = tornadis_command_new_strv ((const char *[]){ "ECHO", tag, NULL });
  tornadis_queue_push (self->queue, echo, TORNADIS_SLOT_LINK_ONLY, &origin);
}

void
tornadis_link_begin_verifying (TornadisLink *self)
{
  self->verify_key = (guint64) g_random_int () << 32 | g_random_int ();
  self->n_checks = self->n_checked = 0;
  self->n_unverified = 0;
  if (self->settings.verify_replies > 0)
    tornadis_link_verify (self, tornadis_queue_get_length (self->queue));
}
