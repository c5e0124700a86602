/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The words of the prompt itself, which are not sent to the server, and what help says about them. */

#include "prompt.h"

#include <string.h>

typedef struct
{
  const char *name;
  const char *help;
} Word;

static const Word own_words[] = {
  { "help",
    "help, help COMMAND, help @GROUP\n"
    "  Without a word it lists what the prompt itself knows; with one it is what the server says about that command and\n"
    "  its subcommands, or about a group of commands, such as @string. ? is the same.\n" },
  { "connect",
    "connect HOST PORT, connect URI\n"
    "  Goes to another server. User, TLS and all else are as the options were when the prompt was started; subscriptions\n"
    "  and a transaction end.\n" },
  { ":json",
    ":json\n"
    "  Shows replies, errors and messages as JSON, one a line. :quoted is as at first.\n" },
  { ":csv",
    ":csv\n"
    "  Shows replies, errors and messages as CSV, a record for each. :quoted is as at first.\n" },
  { ":quoted",
    ":quoted\n"
    "  Shows replies, errors and messages for people, as at first: strings in quotes, lists with numbers.\n" },
  { "clear",
    "clear\n"
    "  Clears the terminal.\n" },
  { "quit",
    "quit\n"
    "  Leaves the prompt, as exit and Ctrl+D do.\n" },
  { "exit",
    "exit\n"
    "  Leaves the prompt, as quit and Ctrl+D do.\n" },
};

/* Gets what help says. Returns: (nullable): NULL for a word that is none of these */
const char *
prompt_own_help (GBytes *word)
{
  if (prompt_word_is (word, "?"))
    return own_words[0].help;

  for (guint i = 0; i < G_N_ELEMENTS (own_words); i++)
    if (prompt_word_is (word, own_words[i].name))
      return own_words[i].help;

  return NULL;
}

/* Adds those that are not there yet (element-type utf8). */
void
prompt_own_list (GPtrArray *names)
{
  for (guint i = 0; i < G_N_ELEMENTS (own_words); i++)
    if (!g_ptr_array_find_with_equal_func (names, own_words[i].name, g_str_equal, NULL))
      g_ptr_array_add (names, g_strdup (own_words[i].name));
}

/* Says that it looks like one of these, and is none: no command of a server begins with a colon. Returns NULL (transfer full) for
 * any other. */
char *
prompt_own_describe_unknown (GBytes *word)
{
  g_autoptr (GString) text = NULL;
  gsize length;
  const char *data = g_bytes_get_data (word, &length);

  if (length == 0 || *data != ':' || prompt_own_help (word) != NULL)
    return NULL;

  text = g_string_new ("There is no ");
  tool_line_append (text, data, length);
  g_string_append (text, "; there are");
  for (guint i = 0, n = 0; i < G_N_ELEMENTS (own_words); i++)
    if (*own_words[i].name == ':')
      g_string_append_printf (text, "%s %s", n++ > 0 ? "," : "", own_words[i].name);

  return g_string_free (g_steal_pointer (&text), FALSE);
}
