/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/model-util.h"

#include <string.h>

const char *const notifying[] = { "--notify-keyspace-events", "KA", NULL };

struct _Shadow
{
  GListModel *model;
  GPtrArray *rows; /* of (owned) (nullable) items */
  guint n_changes;
  guint last[3];
};

static void
unref_nullable (gpointer object)
{
  if (object != NULL)
    g_object_unref (object);
}

void
shadow_check (Shadow *shadow)
{
  g_assert_cmpuint (g_list_model_get_n_items (shadow->model), ==, shadow->rows->len);
  for (guint i = 0; i < shadow->rows->len; i++)
    if (shadow->rows->pdata[i] != NULL)
      {
        g_autoptr (TornadisItem) item = g_list_model_get_item (shadow->model, i);

        g_assert_true (item == shadow->rows->pdata[i]);
      }
}

static void
items_changed_cb (GListModel *model,
                  guint position,
                  guint n_removed,
                  guint n_added,
                  Shadow *shadow)
{
  g_assert_cmpuint (position + n_removed, <=, shadow->rows->len);
  for (guint i = 0; i < n_removed; i++)
    g_ptr_array_remove_index (shadow->rows, position);
  for (guint i = 0; i < n_added; i++)
    g_ptr_array_insert (shadow->rows, (gint) position, NULL);

  shadow->n_changes++;
  shadow->last[0] = position;
  shadow->last[1] = n_removed;
  shadow->last[2] = n_added;
  shadow_check (shadow);
}

Shadow *
shadow_new (gpointer model)
{
  Shadow *shadow = g_new0 (Shadow, 1);

  shadow->model = model;
  shadow->rows = g_ptr_array_new_with_free_func (unref_nullable);
  g_ptr_array_set_size (shadow->rows, (gint) g_list_model_get_n_items (model));
  g_signal_connect (model, "items-changed", G_CALLBACK (items_changed_cb), shadow);

  return shadow;
}

void
shadow_free (Shadow *shadow)
{
  shadow_check (shadow);
  g_signal_handlers_disconnect_by_data (shadow->model, shadow);
  g_ptr_array_unref (shadow->rows);
  g_free (shadow);
}

void
shadow_look (Shadow *shadow,
             guint first,
             guint n)
{
  for (guint i = 0; i < shadow->rows->len; i++)
    {
      if (i < first || i >= first + n)
        g_clear_object (&shadow->rows->pdata[i]);
      else if (shadow->rows->pdata[i] == NULL)
        shadow->rows->pdata[i] = g_list_model_get_item (shadow->model, i);
    }
}

guint
shadow_count (Shadow *shadow)
{
  return shadow->n_changes;
}

void
shadow_assert_last (Shadow *shadow,
                    guint position,
                    guint n_removed,
                    guint n_added)
{
  g_assert_cmpuint (shadow->last[0], ==, position);
  g_assert_cmpuint (shadow->last[1], ==, n_removed);
  g_assert_cmpuint (shadow->last[2], ==, n_added);
}

static void
append_row (GString *rows,
            TornadisItem *item)
{
  const char *text = tornadis_item_get_text (item);

  if (rows->len > 0)
    g_string_append_c (rows, ' ');
  if (tornadis_item_get_loading (item))
    g_string_append_c (rows, '?');
  else if (TORNADIS_IS_ITEM (item) && tornadis_item_get_name (item) != NULL && g_strcmp0 (tornadis_item_get_name (item), text) != 0)
    g_string_append_printf (rows, "%s=%s", tornadis_item_get_name (item), text);
  else
    g_string_append (rows, text != NULL ? text : "(bytes)");
  if (tornadis_item_get_score (item) != 0)
    g_string_append_printf (rows, ":%g", tornadis_item_get_score (item));
}

char *
get_rows (gpointer model)
{
  GString *rows = g_string_new (NULL);

  for (guint i = 0; i < g_list_model_get_n_items (model); i++)
    {
      g_autoptr (TornadisItem) item = g_list_model_get_item (model, i);

      append_row (rows, item);
    }

  return g_string_free (rows, FALSE);
}

void
wait_for_rows (gpointer model,
               const char *expected)
{
  gint64 patience = get_patience ();

  while (TRUE)
    {
      g_autofree char *rows = get_rows (model);

      if (strcmp (rows, expected) == 0)
        return;
      if (g_get_monotonic_time () > patience)
        g_error ("waited in vain for '%s', it is '%s'", expected, rows);
      g_main_context_iteration (NULL, TRUE);
    }
}

void
wait_for_live (gpointer model)
{
  wait_until (tornadis_live_model_get_ready (model) && tornadis_live_model_get_live (model));
}

GBytes *
text_bytes (const char *text)
{
  return g_bytes_new (text, strlen (text));
}

TornadisClient *
make_other (Fixture *fixture)
{
  return tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
}

TornadisCommand *
make_command (const char *line)
{
  g_auto (GStrv) argv = g_strsplit (line, " ", -1);

  for (guint i = 0; argv[i] != NULL; i++)
    g_strdelimit (argv[i], "|", ' ');

  return tornadis_command_new_strv ((const char *const *) argv);
}

void
run (TornadisClient *client,
     const char *line)
{
  g_autoptr (TornadisCommand) command = make_command (line);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = NULL;

  tornadis_client_call_async (client, command, NULL, store_result, &result);
  reply = tornadis_client_call_finish (client, wait_for_result (&result), &error);
  g_assert_no_error (error);
}
