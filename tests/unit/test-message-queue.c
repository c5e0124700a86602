/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/client/tornadis-message-queue.h"
#include "tornadis-glib/values/tornadis-message-private.h"

static void
count_drained_cb (gpointer n_drained)
{
  (*(guint *) n_drained)++;
}

static TornadisMessage *
make_message (guint number)
{
  TornadisReply **elements = g_new (TornadisReply *, 3);
  g_autofree char *text = g_strdup_printf ("%u", number);

  elements[0] = tornadis_reply_new_data (TORNADIS_REPLY_KIND_STRING, "message", 7);
  elements[1] = tornadis_reply_new_data (TORNADIS_REPLY_KIND_STRING, "c", 1);
  elements[2] = tornadis_reply_new_data (TORNADIS_REPLY_KIND_STRING, text, strlen (text));

  return tornadis_message_new (tornadis_reply_new_array (TORNADIS_REPLY_KIND_PUSH, elements, 3),
                               TORNADIS_SUBSCRIPTION_KIND_CHANNEL, NULL);
}

static void
push_new (TornadisMessageQueue *queue,
          guint number)
{
  g_autoptr (TornadisMessage) message = make_message (number);

  g_assert_false (tornadis_message_queue_push (queue, message));
}

static guint
get_number (TornadisMessage *message)
{
  return (guint) g_ascii_strtoull (tornadis_message_get_text (message), NULL, 10);
}

/* Which numbers are in the queue, and whose messages are out of it. */
typedef struct
{
  TornadisMessageQueue queue;
  GPtrArray *messages; /* (owned) (element-type TornadisMessage) (nullable) by their number; NULL: never popped */
  GArray *kept;        /* (owned) (element-type gboolean) */
  GArray *late;        /* (owned) (element-type Late) in the order of their numbers */
} Model;

/* A message that came, and is inserted later. */
typedef struct
{
  guint number;
  guint64 n_pushed;
} Late;

static void
model_push (Model *self)
{
  gboolean kept = TRUE;

  push_new (&self->queue, self->messages->len);
  g_ptr_array_add (self->messages, NULL);
  g_array_append_val (self->kept, kept);
}

static void
model_hold_back (Model *self)
{
  Late late = { self->messages->len, self->queue.n_pushed };
  gboolean kept = FALSE;

  g_ptr_array_add (self->messages, make_message (late.number));
  g_array_append_val (self->kept, kept);
  g_array_append_val (self->late, late);
}

static void
model_insert (Model *self)
{
  Late late = g_array_index (self->late, Late, 0);

  g_array_remove_index (self->late, 0);
  g_assert_false (tornadis_message_queue_insert (&self->queue, g_ptr_array_index (self->messages, late.number), late.n_pushed));
  g_array_index (self->kept, gboolean, late.number) = TRUE;
}

static gboolean
model_is_late (Model *self,
               guint number)
{
  for (guint i = 0; i < self->late->len; i++)
    if (g_array_index (self->late, Late, i).number == number)
      return TRUE;

  return FALSE;
}

static void
model_pop (Model *self)
{
  g_autoptr (TornadisMessage) message = tornadis_message_queue_pop (&self->queue);
  guint number = get_number (message);

  for (guint i = 0; i < number; i++)
    g_assert_false (g_array_index (self->kept, gboolean, i));
  g_assert_true (g_array_index (self->kept, gboolean, number));
  g_array_index (self->kept, gboolean, number) = FALSE;
  if (g_ptr_array_index (self->messages, number) == NULL)
    g_ptr_array_index (self->messages, number) = g_steal_pointer (&message);
  else
    g_assert_true (g_ptr_array_index (self->messages, number) == message);
}

static void
model_push_back (Model *self,
                 guint number)
{
  TornadisMessage *message = g_ptr_array_index (self->messages, number);

  if (message == NULL || g_array_index (self->kept, gboolean, number) || model_is_late (self, number))
    return;

  g_assert_false (tornadis_message_queue_push_back (&self->queue, message));
  g_array_index (self->kept, gboolean, number) = TRUE;
}

static void
test_order (void)
{
  TornadisLinkSettings bounds = { .max_pending = G_MAXSIZE, .max_queued_bytes = G_MAXSIZE };
  guint n_drained = 0;

  g_test_summary ("What is given back or inserted comes in its place, in any order of pushing, popping and giving back");

  for (guint round = 0; round < 20; round++)
    {
      Model model = { .messages = g_ptr_array_new (), .kept = g_array_new (FALSE, FALSE, sizeof (gboolean)),
                      .late = g_array_new (FALSE, FALSE, sizeof (Late)) };

      tornadis_message_queue_init (&model.queue, g_main_context_default (), &bounds, count_drained_cb, &n_drained);
      for (guint step = 0; step < 500; step++)
        switch (g_test_rand_int_range (0, 7))
          {
          case 0:
          case 1:
          case 2:
            model_push (&model);
            break;
          case 3:
            model_hold_back (&model);
            break;
          case 4:
            if (model.late->len > 0)
              model_insert (&model);
            break;
          case 5:
            /* One that is inserted comes behind those that were popped. */
            while (model.late->len > 0)
              model_insert (&model);
            if (tornadis_message_queue_has_message (&model.queue))
              model_pop (&model);
            break;
          default:
            if (model.messages->len > 0)
              model_push_back (&model, (guint) g_test_rand_int_range (0, (int) model.messages->len));
          }

      /* Half of the rounds leave the rest to the queue. */
      while (round % 2 == 0 && tornadis_message_queue_has_message (&model.queue))
        model_pop (&model);
      tornadis_message_queue_clear (&model.queue);
      for (guint i = 0; i < model.messages->len; i++)
        if (g_ptr_array_index (model.messages, i) != NULL)
          {
            g_assert_cmpuint (get_number (g_ptr_array_index (model.messages, i)), ==, i);
            tornadis_message_unref (g_ptr_array_index (model.messages, i));
          }
      g_ptr_array_unref (model.messages);
      g_array_unref (model.kept);
      g_array_unref (model.late);
    }
  g_assert_cmpuint (n_drained, ==, 0);
}

static void
test_bounds (void)
{
  g_autoptr (TornadisMessage) message = make_message (1);
  gsize size = tornadis_message_get_size (message);

  g_test_summary ("Full at either bound, and drained at half of both");

  for (guint by_bytes = 0; by_bytes < 2; by_bytes++)
    {
      TornadisLinkSettings bounds = { .max_pending = by_bytes ? G_MAXSIZE : 10, .max_queued_bytes = by_bytes ? 10 * size : G_MAXSIZE };
      TornadisMessageQueue queue;
      g_autoptr (TornadisMessage) popped = NULL;
      guint n_drained = 0;

      tornadis_message_queue_init (&queue, g_main_context_default (), &bounds, count_drained_cb, &n_drained);
      for (guint i = 0; i < 9; i++)
        push_new (&queue, i);
      g_assert_true (tornadis_message_queue_push (&queue, message));
      /* One that was handed out counts as soon as it is given back. */
      for (guint i = 0; i < 3; i++)
        tornadis_message_unref (tornadis_message_queue_pop (&queue));
      popped = tornadis_message_queue_pop (&queue);
      g_assert_false (tornadis_message_queue_push_back (&queue, popped));
      tornadis_message_unref (tornadis_message_queue_pop (&queue));
      g_assert_cmpuint (n_drained, ==, 0);
      tornadis_message_unref (tornadis_message_queue_pop (&queue));
      g_assert_cmpuint (n_drained, ==, 1);
      tornadis_message_queue_clear (&queue);
    }
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/message-queue/order", test_order);
  g_test_add_func ("/message-queue/bounds", test_bounds);

  return g_test_run ();
}
