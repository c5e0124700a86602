/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The lines that were typed, in $XDG_STATE_HOME/tornadis/history, which several prompts may append to. Neither those with
 * a secret nor those that begin with a space are kept. */

#include "prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file is cut when it has twice as many. */
#define MAX_LINES 1000
#define MAX_LINE_BYTES 4096
#define MAX_FILE_BYTES (4 * 1024 * 1024)

static char *
get_path (void)
{
  return g_build_filename (g_get_user_state_dir (), "tornadis", "history", NULL);
}

/* Opens the file, which nobody else changes until it is closed. Another prompt may have put a new one in its place
 * meanwhile. */
static int
open_locked (const char *path)
{
  for (;;)
    {
      struct stat opened, named;
      int fd = open (path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);

      if (fd < 0)
        return -1;
      if (fstat (fd, &opened) != 0 || !S_ISREG (opened.st_mode) || flock (fd, LOCK_EX) != 0)
        {
          close (fd);
          return -1;
        }
      if (stat (path, &named) == 0 && named.st_dev == opened.st_dev && named.st_ino == opened.st_ino)
        {
          if ((opened.st_mode & 0077) != 0)
            fchmod (fd, 0600);
          return fd;
        }
      close (fd);
    }
}

static void
report (int error_number)
{
  static gboolean reported;
  g_autofree char *path = get_path ();

  if (!reported)
    prompt_print_line (PROMPT_STYLE_NOTICE, "The history is not kept: %s: %s", path, g_strerror (error_number));
  reported = TRUE;
}

static void
write_all (int fd,
           const char *data,
           gsize length)
{
  while (length > 0)
    {
      ssize_t n = write (fd, data, length);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          report (errno);
          return;
        }
      data += n;
      length -= (gsize) n;
    }
}

/* Puts a file with the last lines in the place of one that has become long. */
static void
cut (const char *path,
     char **lines,
     guint n)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = n - MAX_LINES; i < n; i++)
    g_string_append_printf (text, "%s\n", lines[i]);
  g_file_set_contents_full (path, text->str, (gssize) text->len, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL);
}

static char *
read_all (int fd)
{
  GString *text = g_string_new (NULL);
  char buffer[16384];
  ssize_t n;

  while (text->len < MAX_FILE_BYTES && (n = read (fd, buffer, sizeof buffer)) > 0)
    g_string_append_len (text, buffer, n);

  return g_string_free (text, FALSE);
}

void
prompt_history_load (void)
{
  g_autofree char *path = get_path ();
  g_autofree char *directory = g_path_get_dirname (path);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  guint n;
  int fd;

  if (g_mkdir_with_parents (directory, 0700) != 0 || (fd = open_locked (path)) < 0)
    {
      report (errno);
      return;
    }

  text = read_all (fd);
  lines = g_strsplit (text, "\n", -1);
  n = g_strv_length (lines);
  /* The last line ends, too. */
  if (n > 0 && *lines[n - 1] == '\0')
    n--;
  for (guint i = n > MAX_LINES ? n - MAX_LINES : 0; i < n; i++)
    if (*lines[i] != '\0' && g_utf8_validate (lines[i], -1, NULL))
      prompt_line_add_history (lines[i]);
  if (n > 2 * MAX_LINES)
    cut (path, lines, n);
  close (fd);
}

static gboolean
word_has (GPtrArray *words,
          guint i,
          const char *part)
{
  g_autofree char *word = i < words->len ? prompt_word_dup_lower (g_ptr_array_index (words, i)) : NULL;

  return word != NULL && strstr (word, part) != NULL;
}

static gboolean
any_word_is (GPtrArray *words,
             const char *text)
{
  for (guint i = 1; i < words->len; i++)
    if (prompt_words_have (words, i, text))
      return TRUE;

  return FALSE;
}

static gboolean
names_secret (GPtrArray *words,
              guint i)
{
  return word_has (words, i, "pass") || word_has (words, i, "auth") || word_has (words, i, "user") ||
         word_has (words, i, "secret");
}

/* Whether a password may be among the words: rather too often than not often enough. */
static gboolean
is_secret (GPtrArray *words)
{
  if (prompt_words_have (words, 0, "AUTH"))
    return TRUE;
  if (prompt_words_have (words, 0, "HELLO"))
    return any_word_is (words, "AUTH");
  if (prompt_words_have (words, 0, "MIGRATE"))
    return any_word_is (words, "AUTH") || any_word_is (words, "AUTH2");
  if (prompt_words_have (words, 0, "ACL"))
    return prompt_words_have (words, 1, "SETUSER") || prompt_words_have (words, 1, "GETUSER") || prompt_words_have (words, 1, "DELUSER");
  if (prompt_words_have (words, 0, "CONFIG") && prompt_words_have (words, 1, "SET"))
    {
      for (guint i = 2; i < words->len; i += 2)
        if (names_secret (words, i))
          return TRUE;
    }
  if (prompt_words_have (words, 0, "SENTINEL"))
    {
      for (guint i = 1; i < words->len; i++)
        if (names_secret (words, i))
          return TRUE;
    }
  if (prompt_words_have (words, 0, "connect"))
    return word_has (words, 1, "@");

  return FALSE;
}

/* Keeps a line, here and, if it is of one line, in the file. */
void
prompt_history_add (const char *line)
{
  static char *last; /* (owned) (nullable) */
  const char *command = prompt_words_skip_count (line);
  g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_autofree char *path = get_path ();
  g_autoptr (GString) text = g_string_new (line);
  const char *problem;
  gboolean whole;
  int fd;

  /* One that has no end has the words before it. */
  whole = tool_line_split (command, strlen (command), words, &problem);
  if (*line == ' ' || (whole && words->len == 0) || is_secret (words) || g_strcmp0 (line, last) == 0)
    return;

  g_free (last);
  last = g_strdup (line);
  prompt_line_add_history (line);

  g_string_append_c (text, '\n');
  if (!whole || strpbrk (line, "\r\n") != NULL || text->len > MAX_LINE_BYTES)
    return;
  fd = open_locked (path);
  if (fd < 0)
    {
      report (errno);
      return;
    }
  write_all (fd, text->str, text->len);
  close (fd);
}
