/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Passwords: asked for where nobody sees them, and taken off the command line, which others can read. */

#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define MAX_PASSWORD_BYTES 4096

static volatile sig_atomic_t caught;

static void
signal_cb (int number)
{
  caught = number;
}

/* Reads a line without its end. A signal ends it. */
static char *
read_line (int fd)
{
  GString *line = g_string_new (NULL);
  char c;

  while (caught == 0 && line->len < MAX_PASSWORD_BYTES && read (fd, &c, 1) == 1 && c != '\n')
    g_string_append_c (line, c);

  return g_string_free (line, FALSE);
}

/* Reads a line that is not shown. A signal that ends the program does so when the terminal is as it was. */
static char *
read_hidden_line (int fd)
{
  static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
  struct sigaction action = { .sa_handler = signal_cb };
  struct sigaction before[G_N_ELEMENTS (signals)];
  struct termios shown, hidden;
  char *line;

  if (tcgetattr (fd, &shown) != 0)
    return NULL;

  caught = 0;
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    sigaction (signals[i], &action, &before[i]);
  hidden = shown;
  hidden.c_lflag &= ~(tcflag_t) (ECHO | ECHOE | ECHOK | ECHONL);
  hidden.c_lflag |= ICANON | ISIG;
  tcsetattr (fd, TCSAFLUSH, &hidden);

  line = read_line (fd);

  tcsetattr (fd, TCSAFLUSH, &shown);
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    sigaction (signals[i], &before[i], NULL);

  return line;
}

/* Asks for a password on the terminal that the program was started from, wherever its standard streams lead. */
char *
tool_password_ask (const char *prompt,
                   GError **error)
{
  int fd = open ("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  g_autofree char *password = NULL;

  if (fd >= 0 && write (fd, prompt, strlen (prompt)) >= 0)
    {
      password = read_hidden_line (fd);
      if (write (fd, "\n", 1) < 0)
        g_clear_pointer (&password, g_free);
    }
  if (fd >= 0)
    close (fd);

  if (caught != 0)
    {
      raise (caught);
      /* It was stopped, and goes on without an answer. */
      g_clear_pointer (&password, g_free);
    }
  if (password == NULL)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "There is no terminal to ask for the password on");

  return g_steal_pointer (&password);
}

static void
overwrite (char *begin,
           const char *end)
{
  memset (begin, '*', (gsize) (end - begin));
}

/* USER:PASSWORD@ of a URI in @word. */
static void
hide_user (char *word)
{
  char *begin = strstr (word, "://");
  char *end = begin != NULL ? strrchr (begin, '@') : NULL;

  if (end != NULL)
    overwrite (begin + strlen ("://"), end);
}

/* What a plugin's property of that name has, as in sentinel-password=… */
static void
hide_properties (char *word)
{
  for (char *found = strstr (word, "password="); found != NULL; found = strstr (found, "password="))
    {
      found += strlen ("password=");
      overwrite (found, found + strcspn (found, ",&"));
    }
}

/* Overwrites passwords where ps and the like read them: one at the end of a word, those of URIs and of plugins. */
void
tool_password_hide (char **argv,
                    const char *password)
{
  gsize length = password != NULL ? strlen (password) : 0;

  for (guint i = 1; argv[0] != NULL && argv[i] != NULL; i++)
    {
      gsize word_length = strlen (argv[i]);

      if (length > 0 && g_str_has_suffix (argv[i], password) &&
          (word_length == length || g_str_has_prefix (argv[i], "--pass=") || (argv[i][0] == '-' && argv[i][1] != '-')))
        overwrite (argv[i] + word_length - length, argv[i] + word_length);
      hide_user (argv[i]);
      hide_properties (argv[i]);
    }
}
