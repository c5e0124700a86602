/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tornadis: the library at the command line. */

#include "tool.h"

#include <fcntl.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  const char *name;
  const char *summary;
  int (*run) (char **argv);
} Subcommand;

static const Subcommand subcommands[] = {
  { "call", "call one command and print its reply", tool_call },
  { "pipe", "call the commands that are read from standard input", tool_pipe },
  { "subscribe", "print the messages of channels and patterns", tool_subscribe },
  { "bench", "measure calls a second and latency", tool_bench },
  { "plugins", "list the plugins and their properties", tool_plugins },
};

static const Subcommand *
find_subcommand (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (subcommands); i++)
    if (strcmp (subcommands[i].name, name) == 0)
      return &subcommands[i];

  return NULL;
}

static void
append_help (GString *text)
{
  g_string_append (text, "Usage:\n  tornadis COMMAND [OPTION…] [ARGUMENT…]\n\nCommands:\n");
  for (guint i = 0; i < G_N_ELEMENTS (subcommands); i++)
    g_string_append_printf (text, "  %-10s %s\n", subcommands[i].name, subcommands[i].summary);
  g_string_append (text, "  help       show this, or the options of a command\n\n"
                         "“tornadis COMMAND --help” shows the options of a command, “tornadis --version” the version.\n");
}

static int
run_subcommand (const Subcommand *subcommand,
                char **argv)
{
  g_autofree char *name = g_strconcat ("tornadis ", subcommand->name, NULL);
  int status;

  /* What help and messages call the program. */
  g_set_prgname (name);
  status = subcommand->run (argv);
  tool_output_finish ();

  return status;
}

static int
show_help (const char *name)
{
  const Subcommand *subcommand = name != NULL ? find_subcommand (name) : NULL;
  char *argv[] = { (char *) name, (char *) "--help", NULL };

  if (subcommand != NULL)
    return run_subcommand (subcommand, argv);

  if (name != NULL)
    {
      tool_print_error ("There is no command “%s”", name);
      return TOOL_USAGE;
    }

  append_help (tool_output_begin ());
  tool_output_finish ();
  return TOOL_DONE;
}

/* A socket must not become standard output because that was closed: what is closed is opened so that its use fails. */
static void
reserve_standard_streams (void)
{
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (fcntl (fd, F_GETFD) < 0 && open ("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
      _exit (TOOL_FAILED);
}

int
main (int argc,
      char **argv)
{
  const Subcommand *subcommand;

  reserve_standard_streams ();
  /* Numbers stay as they are in C. */
  setlocale (LC_CTYPE, "");
  g_set_prgname ("tornadis");
  /* Standard output is for replies, not for what plugins log. */
  g_log_writer_default_set_use_stderr (TRUE);

  if (argc < 2)
    {
      g_autoptr (GString) text = g_string_new (NULL);

      append_help (text);
      g_printerr ("%s", text->str);
      return TOOL_USAGE;
    }

  subcommand = find_subcommand (argv[1]);
  if (subcommand != NULL)
    return run_subcommand (subcommand, argv + 1);

  if (strcmp (argv[1], "help") == 0 || strcmp (argv[1], "--help") == 0)
    return show_help (argc > 2 ? argv[2] : NULL);

  if (strcmp (argv[1], "--version") == 0)
    {
      g_string_append (tool_output_begin (), "tornadis " TORNADIS_VERSION_S "\n");
      tool_output_finish ();
      return TOOL_DONE;
    }

  if (argv[1][0] == '-')
    tool_print_error ("The first argument is a command, options follow it; see “tornadis help”");
  else
    tool_print_error ("There is no command “%s”; see “tornadis help”", argv[1]);
  return TOOL_USAGE;
}
