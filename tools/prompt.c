/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tornadis without a command. */

#include "tool.h"

int
tool_prompt (char **argv)
{
  g_auto (ToolOptions) options = { 0 };
  g_autoptr (GString) text = g_string_new (NULL);

  if (!tool_options_parse (&options, argv, TOOL_PARSE_BEFORE, NULL, "What all commands have.", NULL))
    return TOOL_USAGE;

  tool_append_help (text);
  g_printerr ("%s", text->str);
  return TOOL_USAGE;
}
