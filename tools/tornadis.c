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
  { "monitor", "print what the server is asked, by all its clients", tool_monitor },
  { "scan", "print the names of keys", tool_scan },
  { "keys", "find the keys that are the biggest, or are used most", tool_keys },
  { "stat", "print what the server holds and does, again and again", tool_stat },
  { "latency", "measure how long the server takes to answer", tool_latency },
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
  g_autoptr (GString) commands = g_string_new ("Commands:\n");

  for (guint i = 0; i < G_N_ELEMENTS (subcommands); i++)
    g_string_append_printf (commands, "  %-10s %s\n", subcommands[i].name, subcommands[i].summary);
  g_string_append_printf (commands, "  %-10s %s", "help", "show this, or the options of a command");

  tool_options_append_help (text, "COMMAND [ARGUMENT…]", commands->str,
                            "“tornadis COMMAND --help” shows the options of a command, “tornadis --version” the version.");
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

/* Options that all subcommands have may also stand before the subcommand, as in a program that has none: its name is
 * moved before them. */
static int
run (char **argv)
{
  guint i = argv[0] != NULL ? tool_options_find_argument (argv) : 0;
  const Subcommand *subcommand;
  int status;

  if (i == 0)
    {
      status = tool_prompt (argv);
      tool_output_finish ();
      return status;
    }

  subcommand = find_subcommand (argv[i]);
  if (subcommand != NULL)
    {
      char *name = argv[i];

      memmove (argv + 2, argv + 1, (i - 1) * sizeof (char *));
      argv[1] = name;
      return run_subcommand (subcommand, argv + 1);
    }
  if (strcmp (argv[i], "help") == 0)
    return show_help (argv[i + 1]);

  tool_print_error ("There is no command “%s”; “tornadis call” sends one to the server, see “tornadis help”", argv[i]);
  return TOOL_USAGE;
}

int
main (int argc,
      char **argv)
{
  reserve_standard_streams ();
  /* Numbers stay as they are in C. */
  setlocale (LC_CTYPE, "");
  g_set_prgname ("tornadis");
  /* Standard output is for replies, not for what plugins log. */
  g_log_writer_default_set_use_stderr (TRUE);

  if (argc == 2 && strcmp (argv[1], "--help") == 0)
    return show_help (NULL);
  if (argc > 2 && strcmp (argv[1], "--version") == 0)
    {
      tool_print_usage_error ("--version stands alone");
      return TOOL_USAGE;
    }
  if (argc == 2 && strcmp (argv[1], "--version") == 0)
    {
      g_string_append (tool_output_begin (), "tornadis " TORNADIS_VERSION_S "\n");
      tool_output_finish ();
      return TOOL_DONE;
    }

  return run (argv);
}
