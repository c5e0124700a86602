/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The arguments of a command, as COMMAND DOCS has them: all of them for help, and those that are still to be typed for
 * the hint behind the cursor. */

#include "prompt.h"

#include <string.h>

static const char *
get_text (TornadisReply *map,
          const char *key)
{
  TornadisReply *value = tornadis_reply_lookup (map, key);

  return value != NULL ? tornadis_reply_get_text (value) : NULL;
}

/* An empty token is that of Redis 7.0 for none. */
static const char *
get_token (TornadisReply *argument)
{
  const char *token = get_text (argument, "token");

  return token != NULL && *token != '\0' ? token : NULL;
}

static gboolean
has_type (TornadisReply *argument,
          const char *type)
{
  return g_strcmp0 (get_text (argument, "type"), type) == 0;
}

static gboolean
has_flag (TornadisReply *argument,
          const char *flag)
{
  TornadisReply *flags = tornadis_reply_lookup (argument, "flags");

  for (gsize i = 0; flags != NULL && i < tornadis_reply_get_n_elements (flags); i++)
    if (g_strcmp0 (tornadis_reply_get_text (tornadis_reply_get_element (flags, i)), flag) == 0)
      return TRUE;

  return FALSE;
}

static void append_arguments (GString *string,
                              TornadisReply *arguments,
                              const char *separator);

/* Appends an argument once, without the brackets of one that is optional. */
static void
append_single (GString *string,
               TornadisReply *argument,
               gboolean with_token)
{
  TornadisReply *arguments = tornadis_reply_lookup (argument, "arguments");
  const char *token = with_token ? get_token (argument) : NULL;
  const char *name = get_text (argument, "display_text");

  if (name == NULL)
    name = get_text (argument, "name");
  if (token != NULL)
    g_string_append (string, token);
  if (has_type (argument, "pure-token"))
    return;

  if (token != NULL)
    g_string_append_c (string, ' ');
  if (arguments != NULL)
    append_arguments (string, arguments, has_type (argument, "oneof") ? "|" : " ");
  else if (name != NULL)
    g_string_append (string, name);
}

static void
append_more (GString *string,
             TornadisReply *argument)
{
  if (!has_flag (argument, "multiple"))
    return;

  if (string->len > 0)
    g_string_append_c (string, ' ');
  g_string_append_c (string, '[');
  append_single (string, argument, has_flag (argument, "multiple_token"));
  g_string_append (string, " ...]");
}

static void
append_argument (GString *string,
                 TornadisReply *argument)
{
  gboolean optional = has_flag (argument, "optional");
  g_autoptr (GString) text = g_string_new (NULL);

  append_single (text, argument, TRUE);
  append_more (text, argument);
  g_string_append_printf (string, optional ? "[%s]" : "%s", text->str);
}

static void
append_arguments (GString *string,
                  TornadisReply *arguments,
                  const char *separator)
{
  for (gsize i = 0; i < tornadis_reply_get_n_elements (arguments); i++)
    {
      if (i > 0)
        g_string_append (string, separator);
      append_argument (string, tornadis_reply_get_element (arguments, i));
    }
}

/* Whether @word is the token with which an argument begins. */
static gboolean
begins_with_token (TornadisReply *argument,
                   GBytes *word)
{
  TornadisReply *arguments = tornadis_reply_lookup (argument, "arguments");
  const char *token = get_token (argument);

  if (token != NULL || arguments == NULL)
    return token != NULL && prompt_word_is (word, token);
  if (!has_type (argument, "oneof"))
    return tornadis_reply_get_n_elements (arguments) > 0 &&
           begins_with_token (tornadis_reply_get_element (arguments, 0), word);

  for (gsize i = 0; i < tornadis_reply_get_n_elements (arguments); i++)
    if (begins_with_token (tornadis_reply_get_element (arguments, i), word))
      return TRUE;

  return FALSE;
}

/* Whether an argument begins with a value, so that any word may be its first. */
static gboolean
begins_with_value (TornadisReply *argument)
{
  TornadisReply *arguments = tornadis_reply_lookup (argument, "arguments");

  if (get_token (argument) != NULL)
    return FALSE;
  if (arguments == NULL)
    return TRUE;

  for (gsize i = 0; i < tornadis_reply_get_n_elements (arguments); i++)
    {
      if (begins_with_value (tornadis_reply_get_element (arguments, i)))
        return TRUE;
      if (!has_type (argument, "oneof"))
        break;
    }

  return FALSE;
}

/* What is typed of the command: the words from @i on are not accounted for. */
typedef struct
{
  GPtrArray *words;
  guint i;
} Typed;

static void take_single (Typed *self,
                         TornadisReply *argument,
                         GString *rest);

static void
take_one_of (Typed *self,
             TornadisReply *alternatives,
             GString *rest)
{
  TornadisReply *chosen = NULL;

  for (gsize i = 0; i < tornadis_reply_get_n_elements (alternatives) && chosen == NULL; i++)
    if (begins_with_token (tornadis_reply_get_element (alternatives, i), g_ptr_array_index (self->words, self->i)))
      chosen = tornadis_reply_get_element (alternatives, i);
  for (gsize i = 0; i < tornadis_reply_get_n_elements (alternatives) && chosen == NULL; i++)
    if (begins_with_value (tornadis_reply_get_element (alternatives, i)))
      chosen = tornadis_reply_get_element (alternatives, i);

  if (chosen != NULL)
    take_single (self, chosen, rest);
  else
    self->i++;
}

static void
take_block (Typed *self,
            TornadisReply *arguments,
            GString *rest)
{
  for (gsize i = 0; i < tornadis_reply_get_n_elements (arguments); i++)
    {
      TornadisReply *argument = tornadis_reply_get_element (arguments, i);

      if (self->i < self->words->len)
        {
          if (!has_flag (argument, "optional") || begins_with_value (argument) ||
              begins_with_token (argument, g_ptr_array_index (self->words, self->i)))
            take_single (self, argument, rest);
        }
      else
        {
          if (rest->len > 0)
            g_string_append_c (rest, ' ');
          append_argument (rest, argument);
        }
    }
}

/* Takes the words of an argument, of which there is one at least. What is missing of it is appended to @rest. */
static void
take_single (Typed *self,
             TornadisReply *argument,
             GString *rest)
{
  TornadisReply *arguments = tornadis_reply_lookup (argument, "arguments");

  if (get_token (argument) != NULL)
    self->i++;
  if (has_type (argument, "pure-token"))
    return;

  if (self->i == self->words->len)
    append_single (rest, argument, FALSE);
  else if (arguments == NULL)
    self->i++;
  else if (has_type (argument, "oneof"))
    take_one_of (self, arguments, rest);
  else
    take_block (self, arguments, rest);
}

static gboolean
any_begins_with_token (TornadisReply *arguments,
                       GBytes *word)
{
  for (gsize i = 0; i < tornadis_reply_get_n_elements (arguments); i++)
    if (begins_with_token (tornadis_reply_get_element (arguments, i), word))
      return TRUE;

  return FALSE;
}

/* Takes an argument as often as it is there. */
static void
take_argument (Typed *self,
               TornadisReply *argument,
               TornadisReply *siblings,
               GString *rest)
{
  gboolean multiple = has_flag (argument, "multiple");
  gboolean again;

  do
    {
      take_single (self, argument, rest);
      again = FALSE;
      if (multiple && self->i < self->words->len)
        {
          GBytes *word = g_ptr_array_index (self->words, self->i);

          again = has_flag (argument, "multiple_token") ? begins_with_token (argument, word)
                                                        : !any_begins_with_token (siblings, word);
        }
    }
  while (again);

  append_more (rest, argument);
}

/* Finds whose the next word is: an argument that begins with it, else the next that begins with a value. */
static gssize
find_argument (const Typed *self,
               TornadisReply *arguments,
               const gboolean *taken)
{
  GBytes *word = g_ptr_array_index (self->words, self->i);
  gsize n = tornadis_reply_get_n_elements (arguments);

  for (gsize i = 0; i < n; i++)
    if (!taken[i] && begins_with_token (tornadis_reply_get_element (arguments, i), word))
      return (gssize) i;
  for (gsize i = 0; i < n; i++)
    if (!taken[i] && begins_with_value (tornadis_reply_get_element (arguments, i)))
      return (gssize) i;

  return -1;
}

/* Appends what is to be typed behind the words. Those that have no place among the arguments are passed over. */
static void
append_rest (GString *string,
             TornadisReply *arguments,
             Typed *typed)
{
  gsize n = tornadis_reply_get_n_elements (arguments);
  g_autofree gboolean *taken = g_new0 (gboolean, n + 1);

  while (typed->i < typed->words->len)
    {
      gssize i = find_argument (typed, arguments, taken);

      if (i < 0)
        {
          typed->i++;
          continue;
        }
      taken[i] = TRUE;
      if (string->len > 0)
        g_string_append_c (string, ' ');
      take_argument (typed, tornadis_reply_get_element (arguments, (gsize) i), arguments, string);
    }

  for (gsize i = 0; i < n; i++)
    if (!taken[i])
      {
        if (string->len > 0 && string->str[string->len - 1] != ' ')
          g_string_append_c (string, ' ');
        append_argument (string, tornadis_reply_get_element (arguments, i));
      }
}

/* Gets what is to be typed behind a line, in words, or NULL. */
char *
prompt_hint (const char *line)
{
  const char *command = prompt_words_skip_count (line);
  g_auto (PromptWords) words = { 0 };
  g_autoptr (GString) hint = NULL;
  TornadisReply *docs, *arguments;
  Typed typed;
  gboolean blank;

  if (!prompt_words_parse (&words, command, strlen (command)) || words.words->len == 0)
    return NULL;

  /* The word at the cursor counts as typed, unless it has not begun. */
  blank = g_bytes_get_size (g_ptr_array_index (words.words, words.words->len - 1)) == 0 &&
          command[words.start] == '\0';
  if (blank)
    g_ptr_array_set_size (words.words, (int) words.words->len - 1);

  docs = prompt_commands_get_docs (words.words, &typed.i);
  arguments = docs != NULL ? tornadis_reply_lookup (docs, "arguments") : NULL;
  if (arguments == NULL)
    return NULL;

  typed.words = words.words;
  hint = g_string_new (NULL);
  append_rest (hint, arguments, &typed);
  if (hint->len == 0)
    return NULL;
  if (!blank)
    g_string_prepend_c (hint, ' ');

  return g_string_free (g_steal_pointer (&hint), FALSE);
}

/* Appends a command, whose name is as "client|list", with its arguments. */
static void
append_usage (GString *string,
              const char *name,
              TornadisReply *docs)
{
  TornadisReply *arguments = tornadis_reply_lookup (docs, "arguments");
  g_autofree char *upper = g_ascii_strup (name, -1);

  g_string_append (string, g_strdelimit (upper, "|", ' '));
  if (arguments != NULL)
    {
      g_string_append_c (string, ' ');
      append_arguments (string, arguments, " ");
    }
}

static void
append_subcommands (GString *string,
                    const char *name)
{
  g_autoptr (GPtrArray) names = prompt_commands_list_documented ();
  g_autofree char *prefix = g_strconcat (name, "|", NULL);

  for (guint i = 0; i < names->len; i++)
    {
      const char *subname = g_ptr_array_index (names, i);
      TornadisReply *docs = prompt_commands_get_docs_of (subname);
      const char *summary = get_text (docs, "summary");

      if (!g_str_has_prefix (subname, prefix))
        continue;
      g_string_append_c (string, '\n');
      append_usage (string, subname, docs);
      g_string_append_printf (string, "\n  %s\n", summary != NULL ? summary : "");
    }
}

/* What there is to say about a command, or NULL. */
char *
prompt_help (GPtrArray *words)
{
  guint n_name_words;
  TornadisReply *docs = prompt_commands_get_docs (words, &n_name_words);
  g_autoptr (GString) name = g_string_new (NULL);
  GString *text;

  if (docs == NULL || n_name_words < words->len)
    return NULL;

  for (guint i = 0; i < n_name_words; i++)
    {
      g_autofree char *word = prompt_word_dup_lower (g_ptr_array_index (words, i));

      g_string_append_printf (name, i > 0 ? "|%s" : "%s", word);
    }
  text = g_string_new (NULL);
  append_usage (text, name->str, docs);
  for (guint i = 0; i < 4; i++)
    {
      static const char *const keys[] = { "summary", "since", "complexity", "group" };
      const char *value = get_text (docs, keys[i]);

      if (value != NULL)
        g_string_append_printf (text, "\n  %s: %s", keys[i], value);
    }
  g_string_append_c (text, '\n');
  append_subcommands (text, name->str);

  return g_string_free (text, FALSE);
}

/* What there is to say about the commands of a group, or NULL. */
char *
prompt_help_group (const char *group)
{
  g_autoptr (GPtrArray) names = prompt_commands_list_documented ();
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < names->len; i++)
    {
      const char *name = g_ptr_array_index (names, i);
      TornadisReply *docs = prompt_commands_get_docs_of (name);
      const char *summary = get_text (docs, "summary");
      const char *since = get_text (docs, "since");

      /* Of a command that has subcommands these are what can be called. */
      if (g_strcmp0 (get_text (docs, "group"), group) != 0 || tornadis_reply_lookup (docs, "subcommands") != NULL)
        continue;
      if (text->len > 0)
        g_string_append_c (text, '\n');
      append_usage (text, name, docs);
      g_string_append_printf (text, "\n  summary: %s\n  since: %s\n", summary != NULL ? summary : "",
                              since != NULL ? since : "");
    }

  return text->len > 0 ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;
}
