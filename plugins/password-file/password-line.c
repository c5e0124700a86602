/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "password-file/password-line.h"

#include <string.h>

#include "common/wipe.h"

/* Anybody may read or change it, or the group may change it. That a group may read it is how a service is given one. */
#define EXPOSED_MODE 0027

/* One reading: open, ask for the mode, read, the steps of one GTask. */
typedef struct
{
  GFileInputStream *stream; /* (owned) (nullable) */
  gboolean is_exposed;
  char *buffer; /* (owned) */
} Reading;

void
password_line_free (PasswordLine *self)
{
  wipe_free (self->line);
  g_free (self);
}

static void
reading_free (gpointer data)
{
  Reading *self = data;

  g_clear_object (&self->stream);
  wipe (self->buffer, PASSWORD_LINE_MAX_LENGTH);
  g_free (self->buffer);
  g_free (self);
}

/* Its first line, without the end of that; (transfer full) (nullable). */
static char *
take_line (const char *data,
           gsize length)
{
  const char *end = memchr (data, '\n', length);

  if (end == NULL && length == PASSWORD_LINE_MAX_LENGTH)
    return NULL;
  if (end != NULL)
    length = (gsize) (end - data);
  if (length > 0 && data[length - 1] == '\r')
    length--;
  if (length == 0 || memchr (data, '\0', length) != NULL)
    return NULL;

  return g_strndup (data, length);
}

static void
read_cb (GObject *object,
         GAsyncResult *result,
         gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Reading *reading = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  gsize length;
  char *line;

  if (!g_input_stream_read_all_finish (G_INPUT_STREAM (object), result, &length, &error))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  line = take_line (reading->buffer, length);
  if (line == NULL)
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "The first line is not a password");
    }
  else
    {
      PasswordLine *self = g_new (PasswordLine, 1);

      *self = (PasswordLine){ line, reading->is_exposed };
      g_task_return_pointer (task, self, (GDestroyNotify) password_line_free);
    }
}

static void
queried_cb (GObject *object,
            GAsyncResult *result,
            gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Reading *reading = g_task_get_task_data (task);
  /* Not all file systems have a mode. */
  g_autoptr (GFileInfo) info = g_file_input_stream_query_info_finish (G_FILE_INPUT_STREAM (object), result, NULL);

  if (info != NULL && g_file_info_has_attribute (info, G_FILE_ATTRIBUTE_UNIX_MODE))
    reading->is_exposed = (g_file_info_get_attribute_uint32 (info, G_FILE_ATTRIBUTE_UNIX_MODE) & EXPOSED_MODE) != 0;

  g_input_stream_read_all_async (G_INPUT_STREAM (object), reading->buffer, PASSWORD_LINE_MAX_LENGTH, G_PRIORITY_DEFAULT,
                                 g_task_get_cancellable (task), read_cb, g_object_ref (task));
}

static void
opened_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Reading *reading = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  reading->stream = g_file_read_finish (G_FILE (object), result, &error);
  if (reading->stream == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  g_file_input_stream_query_info_async (reading->stream, G_FILE_ATTRIBUTE_UNIX_MODE, G_PRIORITY_DEFAULT,
                                        g_task_get_cancellable (task), queried_cb, g_object_ref (task));
}

void
password_line_read_async (GFile *file,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  GTask *task = g_task_new (file, cancellable, callback, user_data);
  Reading *reading = g_new0 (Reading, 1);

  reading->buffer = g_malloc (PASSWORD_LINE_MAX_LENGTH);
  g_task_set_task_data (task, reading, reading_free);
  g_file_read_async (file, G_PRIORITY_DEFAULT, cancellable, opened_cb, task);
}

PasswordLine *
password_line_read_finish (GAsyncResult *result,
                           GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

const char *
password_line_split (char *line,
                     const char **username)
{
  char *colon = strchr (line, ':');

  *username = NULL;
  if (colon == NULL)
    return line;

  *colon = '\0';
  if (colon > line)
    *username = line;

  return colon + 1;
}
