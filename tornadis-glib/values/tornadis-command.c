/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/values/tornadis-command-private.h"

#include <stdarg.h>
#include <string.h>

#include <hiredis.h>

#include "tornadis-glib/values/tornadis-number-text-private.h"
#include "tornadis-glib/values/tornadis-secret.h"

/**
 * TornadisCommand:
 *
 * One request to the server: a name and its arguments, each of any bytes and any length.
 *
 * Equivalent of tornadis' variable argument list, as in `client.call("SET", "key", "value")`:
 *
 * - [ctor@Tornadis.Command.new_strv] takes all arguments as text;
 * - [ctor@Tornadis.Command.new_bytes] takes all arguments as bytes;
 * - [ctor@Tornadis.Command.new] takes the name, and the `append` methods add one argument each;
 * - `tornadis_command_new_format()` takes a format string (C only).
 *
 * Every argument goes to the server as it is given: nothing is split at spaces, quoted or escaped, so
 * that data from anywhere is safe in an argument. A name of two words is two arguments: `CONFIG`,
 * `GET`. The name may be in any case.
 *
 * A command can be appended to until it is handed to a client, a pool or a pipeline, which seals it. A
 * sealed command never changes and can be used again, any number of times, from any thread; several threads may be the
 * first to use it.
 *
 * Arguments of 16 KiB or more that are given as [struct@GLib.Bytes] are kept and written by reference, not
 * copied.
 *
 * Since: 1.0
 */
G_DEFINE_BOXED_TYPE (TornadisCommand, tornadis_command, tornadis_command_ref, tornadis_command_unref)

#define FIRST_HEAP_SIZE 256
#define MAX_NAME_LENGTH 31
/* Bytes of a name that are compared at a time. */
#define NAME_HEAD 8

static TornadisCommand *
command_alloc (void)
{
  TornadisCommand *self = g_new (TornadisCommand, 1);

  memset (self, 0, G_STRUCT_OFFSET (TornadisCommand, inline_body));
  self->ref_count = 1;
  self->body = self->inline_body;

  return self;
}

static void
large_arg_clear (gpointer data)
{
  g_bytes_unref (((TornadisLargeArg *) data)->bytes);
}

static inline gboolean
command_is_inline (const TornadisCommand *self)
{
  return self->body == self->inline_body;
}

static inline gsize
command_get_room (const TornadisCommand *self)
{
  return (G_LIKELY (command_is_inline (self)) ? sizeof self->inline_body : self->body_size) - self->body_len;
}

static void
command_need_large (TornadisCommand *self)
{
  if (self->large != NULL)
    return;

  self->large = g_new0 (TornadisLargeArgs, 1);
  self->large->args = g_array_new (FALSE, FALSE, sizeof (TornadisLargeArg));
  g_array_set_clear_func (self->large->args, large_arg_clear);
}

/* Geometric growth keeps a command of many arguments linear. */
static void
command_grow (TornadisCommand *self,
              gsize size)
{
  gsize new_size = command_is_inline (self) ? FIRST_HEAP_SIZE : self->body_size * 2;

  while (new_size - self->body_len < size)
    new_size *= 2;

  if (command_is_inline (self))
    {
      self->body = g_malloc (new_size);
      memcpy (self->body, self->inline_body, self->body_len);
    }
  else
    {
      self->body = g_realloc (self->body, new_size);
    }
  self->body_size = new_size;
  if (new_size > TORNADIS_LARGE_BODY_SIZE)
    command_need_large (self);
}

/* Puts "$length\r\n", room for @room bytes and "\r\n" at the end of the body; where the room is. */
static inline guint8 *
command_append_frame (TornadisCommand *self,
                      gsize length,
                      gsize room)
{
  guint n_digits = tornadis_number_text_count_digits (length);
  gsize size;
  guint8 *frame;

  size = 1 + n_digits + 2 + room + 2;
  if (G_UNLIKELY (command_get_room (self) < size))
    command_grow (self, size);

  frame = self->body + self->body_len;
  self->body_len += size;
  self->n_args++;

  *frame++ = '$';
  frame += n_digits;
  tornadis_number_text_put_before ((char *) frame, length);
  memcpy (frame, "\r\n", 2);
  frame += 2;
  memcpy (frame + room, "\r\n", 2);

  return frame;
}

static void
command_set_effect (TornadisCommand *self,
                    const char *name,
                    gsize length)
{
  gboolean container;

  self->effect = tornadis_command_effect_of_name (name, length, &container);
  self->container = container;
}

static void
command_set_subcommand_effect (TornadisCommand *self,
                               const char *subcommand,
                               gsize length)
{
  self->effect = tornadis_command_effect_of_subcommand ((const char *) self->body + strlen ("$6\r\n"), subcommand, length);
}

static inline void
command_look_at (TornadisCommand *self,
                 const char *argument,
                 gsize length)
{
  if (self->n_args == 0 && tornadis_command_effect_is_possible (argument, length))
    command_set_effect (self, argument, length);
  else if (G_UNLIKELY (self->container) && self->n_args == 1)
    command_set_subcommand_effect (self, argument, length);
}

static void
command_append_reference (TornadisCommand *self,
                          GBytes *bytes)
{
  gsize length = g_bytes_get_size (bytes);
  TornadisLargeArg large = { .bytes = g_bytes_ref (bytes) };
  const guint8 *place = command_append_frame (self, length, 0);

  large.offset = (gsize) (place - self->body);

  command_need_large (self);
  g_array_append_val (self->large->args, large);
  self->large->size += length;
}

static inline void
command_append (TornadisCommand *self,
                const char *argument,
                gsize length)
{
  command_look_at (self, argument, length);

  if (G_UNLIKELY (length >= TORNADIS_LARGE_ARG_SIZE))
    {
      g_autoptr (GBytes) bytes = g_bytes_new (argument, length);

      command_append_reference (self, bytes);
    }
  else if (length > 0)
    {
      memcpy (command_append_frame (self, length, length), argument, length);
    }
  else
    {
      command_append_frame (self, 0, 0);
    }
}

void
tornadis_command_append_data (TornadisCommand *self,
                              const char *data,
                              gsize length)
{
  command_append (self, data, length);
}

static void
command_append_gbytes (TornadisCommand *self,
                       GBytes *bytes)
{
  gsize length;
  const char *argument = g_bytes_get_data (bytes, &length);

  if (length < TORNADIS_LARGE_ARG_SIZE)
    {
      command_append (self, argument, length);
    }
  else
    {
      command_look_at (self, argument, length);
      command_append_reference (self, bytes);
    }
}

/**
 * tornadis_command_new: (constructor)
 * @name: the name of the command, its first argument
 *
 * Creates a command to which arguments are then appended.
 *
 * Returns: (transfer full): a new command
 *
 * Since: 1.0
 */
TornadisCommand *
tornadis_command_new (const char *name)
{
  TornadisCommand *self;

  g_return_val_if_fail (name != NULL, NULL);

  self = command_alloc ();
  command_append (self, name, strlen (name));

  return self;
}

/**
 * tornadis_command_new_strv: (constructor)
 * @argv: (array zero-terminated=1): the name of the command and its arguments
 *
 * Creates a command of text arguments.
 *
 * Every argument ends at its first NUL: text that may have one, and data that is not UTF-8 text when it comes
 * from another language than C, needs [ctor@Tornadis.Command.new_bytes].
 *
 * An empty @argv gives a command that every client refuses with [error@Tornadis.Error.USAGE].
 *
 * Equivalent of the arguments of tornadis' `Client.call()`.
 *
 * Returns: (transfer full): a new command
 *
 * Since: 1.0
 */
TornadisCommand *
tornadis_command_new_strv (const char *const *argv)
{
  TornadisCommand *self;

  g_return_val_if_fail (argv != NULL, NULL);

  self = command_alloc ();
  for (gsize i = 0; argv[i] != NULL; i++)
    command_append (self, argv[i], strlen (argv[i]));

  return self;
}

/**
 * tornadis_command_new_bytes: (constructor)
 * @args: (array length=n_args) (nullable): the name of the command and its arguments
 * @n_args: how many there are
 *
 * Creates a command of arguments that may hold any bytes.
 *
 * Arguments of 16 KiB or more are kept by reference.
 *
 * With no arguments this gives a command that every client refuses with [error@Tornadis.Error.USAGE].
 *
 * Returns: (transfer full): a new command
 *
 * Since: 1.0
 */
TornadisCommand *
tornadis_command_new_bytes (GBytes **args,
                            gsize n_args)
{
  TornadisCommand *self;

  g_return_val_if_fail (args != NULL || n_args == 0, NULL);
  for (gsize i = 0; i < n_args; i++)
    g_return_val_if_fail (args[i] != NULL, NULL);

  self = command_alloc ();
  for (gsize i = 0; i < n_args; i++)
    command_append_gbytes (self, args[i]);

  return self;
}

/* Takes hiredis' "*N\r\n$length\r\n…\r\n" apart. */
static void
command_append_encoded (TornadisCommand *self,
                        const char *encoded)
{
  char *p;
  guint64 n_args = g_ascii_strtoull (encoded + 1, &p, 10);

  for (guint64 i = 0; i < n_args; i++)
    {
      gsize length = g_ascii_strtoull (p + strlen ("\r\n$"), &p, 10);

      p += strlen ("\r\n");
      command_append (self, p, length);
      p += length;
    }
}

/**
 * tornadis_command_new_format: (skip)
 * @format: a format in the language of hiredis' `redisCommand()`
 * @...: what the format asks for
 *
 * Creates a command from a format string, such as `"SET %s %b"`.
 *
 * Spaces in @format separate arguments. `%s` stands for a string; `%b` for bytes, as a `const void *` and a
 * `size_t`; `%%` for one `%`; `%d`, `%lld`, `%f` and the other integer and floating point conversions mean what
 * they do for `printf()`. What is filled in is never split, so it may hold spaces. A conversion within a word
 * is part of that word: `"GET user:%s"`.
 *
 * An invalid @format is an error of the programmer. The types of the arguments are not checked by the
 * compiler; @format must never come from outside of the program.
 *
 * Returns: (transfer full) (nullable): a new command, or %NULL when @format is invalid
 *
 * Since: 1.0
 */
TornadisCommand *
tornadis_command_new_format (const char *format,
                             ...)
{
  TornadisCommand *self;
  char *encoded = NULL;
  int length;
  va_list args;

  g_return_val_if_fail (format != NULL, NULL);

  va_start (args, format);
  length = redisvFormatCommand (&encoded, format, args);
  va_end (args);

  if (length < 0)
    {
      g_critical ("%s: the format is invalid", G_STRFUNC);
      return NULL;
    }

  self = command_alloc ();
  command_append_encoded (self, encoded);
  redisFreeCommand (encoded);

  return self;
}

/**
 * tornadis_command_ref:
 * @self: a command
 *
 * Takes a reference, from any thread.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
TornadisCommand *
tornadis_command_ref (TornadisCommand *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_int_inc (&self->ref_count);

  return self;
}

/* Names that many commands have in common, of which a program uses few: kept for ever, one in each bucket. */
static char *shared_names[256]; /* (atomic) */

static gboolean
is_name_of (const char *name,
            const char *argument,
            gsize length)
{
  for (gsize i = 0; i < length; i++)
    if (g_ascii_toupper (argument[i]) != name[i])
      return FALSE;

  return name[length] == '\0';
}

/* AUTH and HELLO may have a password. */
static G_NO_INLINE void
command_wipe (TornadisCommand *self)
{
  tornadis_secret_wipe (self->body, self->body_len);
}

/**
 * tornadis_command_unref:
 * @self: (transfer full): a command
 *
 * Drops a reference, from any thread; the last one frees the command.
 *
 * Since: 1.0
 */
void
tornadis_command_unref (TornadisCommand *self)
{
  g_return_if_fail (self != NULL);

  /* Nobody can take a reference while there is only one: the locked instruction is for shared ones. */
  if (g_atomic_int_get (&self->ref_count) != 1 && !g_atomic_int_dec_and_test (&self->ref_count))
    return;

  if (G_UNLIKELY (self->effect == TORNADIS_COMMAND_AUTH || self->effect == TORNADIS_COMMAND_REFUSED))
    command_wipe (self);
  if (G_UNLIKELY (!command_is_inline (self)))
    g_free (self->body);
  if (G_UNLIKELY (self->large != NULL))
    {
      g_array_unref (self->large->args);
      g_free (self->large);
    }
  if (G_UNLIKELY (self->name != NULL))
    g_free (self->name);
  g_free (self);
}

/**
 * tornadis_command_append_string:
 * @self: a command that is not sealed
 * @value: the argument
 *
 * Appends a text argument.
 *
 * Since: 1.0
 */
void
tornadis_command_append_string (TornadisCommand *self,
                                const char *value)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (value != NULL);
  g_return_if_fail (!tornadis_command_is_sealed (self));

  command_append (self, value, strlen (value));
}

/**
 * tornadis_command_append_bytes:
 * @self: a command that is not sealed
 * @value: the argument
 *
 * Appends an argument of any bytes; of 16 KiB or more by reference.
 *
 * Since: 1.0
 */
void
tornadis_command_append_bytes (TornadisCommand *self,
                               GBytes *value)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (value != NULL);
  g_return_if_fail (!tornadis_command_is_sealed (self));

  command_append_gbytes (self, value);
}

/**
 * tornadis_command_append_int64:
 * @self: a command that is not sealed
 * @value: the argument
 *
 * Appends an integer as decimal text.
 *
 * Since: 1.0
 */
void
tornadis_command_append_int64 (TornadisCommand *self,
                               gint64 value)
{
  char text[TORNADIS_NUMBER_TEXT_SIZE];

  g_return_if_fail (self != NULL);
  g_return_if_fail (!tornadis_command_is_sealed (self));

  command_append (self, text, tornadis_number_text_from_int64 (text, value));
}

/**
 * tornadis_command_append_double:
 * @self: a command that is not sealed
 * @value: the argument
 *
 * Appends a floating point number as short text that reads back as the same number.
 *
 * The text is that of no locale. Infinities are `inf` and `-inf`, as the server spells them; what is not a
 * number is `nan`, which commands refuse.
 *
 * Since: 1.0
 */
void
tornadis_command_append_double (TornadisCommand *self,
                                double value)
{
  char text[TORNADIS_NUMBER_TEXT_SIZE];

  g_return_if_fail (self != NULL);
  g_return_if_fail (!tornadis_command_is_sealed (self));

  command_append (self, text, tornadis_number_text_from_double (text, value));
}

/**
 * tornadis_command_get_n_args:
 * @self: a command
 *
 * Gets the number of arguments, the name included.
 *
 * Returns: how many arguments the command has
 *
 * Since: 1.0
 */
gsize
tornadis_command_get_n_args (TornadisCommand *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->n_args;
}

/* Where the data of a frame are, and how many; those of a large argument are elsewhere. */
static inline const guint8 *
read_frame (const guint8 *p,
            gsize *length)
{
  gsize value = (gsize) p[1] - '0';

  /* They are our own: there is at least one digit, and an end. */
  for (p += strlen ("$N"); *p != '\r'; p++)
    value = value * 10 + (*p - '0');
  *length = value;

  return p + strlen ("\r\n");
}

static inline const guint8 *
skip_data (const guint8 *p,
           gsize length)
{
  return p + (length < TORNADIS_LARGE_ARG_SIZE ? length : 0) + strlen ("\r\n");
}

/* Where an argument is: at @p, or the large one of this number. FALSE: there is none. */
static inline gboolean
command_find_arg (TornadisCommand *self,
                  gsize i,
                  const guint8 **p,
                  gsize *length,
                  guint *n_large)
{
  if (i >= self->n_args)
    return FALSE;

  *n_large = 0;
  for (*p = read_frame (self->body, length); i > 0; i--)
    {
      if (G_LIKELY (*length < TORNADIS_LARGE_ARG_SIZE))
        *p += *length;
      else
        (*n_large)++;
      *p = read_frame (*p + strlen ("\r\n"), length);
    }

  return TRUE;
}

static GBytes *
command_get_large (TornadisCommand *self,
                   guint n_large)
{
  return g_array_index (self->large->args, TornadisLargeArg, n_large).bytes;
}

static GBytes *
command_make_bytes (TornadisCommand *self,
                    const guint8 *p,
                    gsize length,
                    guint n_large)
{
  if (length >= TORNADIS_LARGE_ARG_SIZE)
    return g_bytes_ref (command_get_large (self, n_large));

  return g_bytes_new (p, length);
}

/**
 * tornadis_command_get_arg:
 * @self: a command
 * @i: which argument; 0 is the name
 *
 * Gets an argument, as the server sees it.
 *
 * Arguments are looked up from the first: the time this takes grows with @i.
 *
 * Returns: (transfer full) (nullable): the bytes, or %NULL when there is no such argument
 *
 * Since: 1.0
 */
GBytes *
tornadis_command_get_arg (TornadisCommand *self,
                          gsize i)
{
  const guint8 *p;
  gsize length;
  guint n_large;

  g_return_val_if_fail (self != NULL, NULL);

  return command_find_arg (self, i, &p, &length, &n_large) ? command_make_bytes (self, p, length, n_large) : NULL;
}

/**
 * tornadis_command_get_arg_data:
 * @self: a command
 * @i: which argument; 0 is the name
 * @len: (out) (optional): return location for the number of bytes
 *
 * Gets the bytes of an argument where they are, without a copy. Nothing is to be relied on behind them: no 0 byte stands
 * there.
 *
 * They last as long as the command, and until it is appended to.
 *
 * Arguments are looked up from the first: the time this takes grows with @i.
 *
 * Returns: (array length=len) (transfer none) (nullable): the bytes, which belong to the command and are not %NULL if there
 *   are none of them; %NULL when there is no such argument
 *
 * Since: 1.0
 */
const guint8 *
tornadis_command_get_arg_data (TornadisCommand *self,
                               gsize i,
                               gsize *len)
{
  const guint8 *p = NULL;
  gsize length = 0;
  guint n_large;

  if (G_LIKELY (self != NULL) && command_find_arg (self, i, &p, &length, &n_large) &&
      G_UNLIKELY (length >= TORNADIS_LARGE_ARG_SIZE))
    p = g_bytes_get_data (command_get_large (self, n_large), NULL);

  if (len != NULL)
    *len = length;
  g_return_val_if_fail (self != NULL, NULL);

  return p;
}

/**
 * tornadis_command_get_args:
 * @self: a command
 *
 * Gets all arguments at once, which for many is faster than one by one. Those that are large are not copied.
 *
 * Returns: (transfer container) (element-type GBytes): the arguments, the name is the first; it frees them with itself
 *
 * Since: 1.0
 */
GPtrArray *
tornadis_command_get_args (TornadisCommand *self)
{
  GPtrArray *args;
  const guint8 *p;
  guint n_large = 0;

  g_return_val_if_fail (self != NULL, NULL);

  args = g_ptr_array_new_full (self->n_args, (GDestroyNotify) g_bytes_unref);
  p = self->body;
  for (guint i = 0; i < self->n_args; i++)
    {
      gsize length;

      p = read_frame (p, &length);
      g_ptr_array_add (args, command_make_bytes (self, p, length, n_large));
      n_large += length >= TORNADIS_LARGE_ARG_SIZE;
      p = skip_data (p, length);
    }

  return args;
}

static char *
make_name (const char *argument,
           gsize length)
{
  /* With all of its head, see read_head(). */
  char *name = g_malloc0 (MAX (length + 1, NAME_HEAD + 1));

  for (gsize i = 0; i < length; i++)
    name[i] = g_ascii_isprint (argument[i]) ? g_ascii_toupper (argument[i]) : '?';

  return name;
}

/* The first bytes of a name as one number; those behind a shorter name are zeros. */
static inline guint64
read_head (const char *name)
{
  guint64 head;

  memcpy (&head, name, NAME_HEAD);

  return GUINT64_FROM_LE (head);
}

/* g_ascii_toupper() of each byte. */
static inline guint64
head_to_upper (guint64 head)
{
  const guint64 ones = G_GUINT64_CONSTANT (0x0101010101010101);
  guint64 low = head & 0x7f * ones;
  guint64 from_a = low + (0x80 - 'a') * ones;
  guint64 past_z = low + (0x7f - 'z') * ones;

  return head - (((from_a & ~past_z & ~head) >> 2) & 0x20 * ones);
}

/* Names that differ in nothing but their case have the same place: the bit that tells it is left out. */
static inline char **
get_shared_place (guint64 head,
                  gsize length)
{
  guint64 hash = ((head & G_GUINT64_CONSTANT (0xdfdfdfdfdfdfdfdf)) + length) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);

  return &shared_names[hash >> 56];
}

/* The shared name of most commands: one that has no more than a head, and was asked for before. */
static inline const char *
command_find_short_name (TornadisCommand *self)
{
  guint length;
  guint64 head, shared_head;
  const char *shared;

  if (G_UNLIKELY (self->n_args == 0 || self->body[2] != '\r'))
    return NULL;
  length = (guint) self->body[1] - '0';
  if (G_UNLIKELY (length == 0 || length > NAME_HEAD))
    return NULL;

  /* A body has room for more than that; what stands behind the name goes. */
  head = read_head ((const char *) self->body + strlen ("$N\r\n")) & (G_MAXUINT64 >> 8 * (NAME_HEAD - length));
  shared = g_atomic_pointer_get (get_shared_place (head, length));

  /* The last byte: a NUL in the argument is no end. */
  if (G_UNLIKELY (shared == NULL || shared[length] != '\0' || shared[length - 1] == '\0'))
    return NULL;

  /* Most names are in capital letters already. */
  shared_head = read_head (shared);
  return G_LIKELY (shared_head == head) || shared_head == head_to_upper (head) ? shared : NULL;
}

/* One of the shared names, or NULL when there is another in its bucket. */
static const char *
find_shared_name (const char *argument,
                  gsize length)
{
  char padded[NAME_HEAD] = { 0 };
  char **place;
  char *shared;

  memcpy (padded, argument, MIN (length, NAME_HEAD));
  place = get_shared_place (read_head (padded), length);

  shared = g_atomic_pointer_get (place);
  if (G_UNLIKELY (shared == NULL))
    {
      shared = make_name (argument, length);
      if (g_atomic_pointer_compare_and_exchange (place, NULL, shared))
        return shared;
      g_free (shared);
      shared = g_atomic_pointer_get (place);
    }

  return is_name_of (shared, argument, length) ? shared : NULL;
}

/* Of a command with a long name, or a new one. */
static G_NO_INLINE const char *
command_find_name (TornadisCommand *self)
{
  gsize length;
  const guint8 *data = tornadis_command_get_arg_data (self, 0, &length);
  const char *argument = data != NULL ? (const char *) data : "";
  const char *shared;
  char *name;

  length = MIN (length, MAX_NAME_LENGTH);
  shared = find_shared_name (argument, length);
  if (shared != NULL)
    return shared;

  name = g_atomic_pointer_get (&self->name);
  if (name != NULL)
    return name;

  name = make_name (argument, length);
  /* A sealed command may be asked in two threads at a time. */
  if (!g_atomic_pointer_compare_and_exchange (&self->name, NULL, name))
    g_free (name);

  return g_atomic_pointer_get (&self->name);
}

/**
 * tornadis_command_get_name:
 * @self: a command
 *
 * Gets the name for people to read, as it stands in error messages: the first argument in capital letters, cut to
 * 31 bytes, with `?` for every byte that is not printable ASCII. It is empty when there is no argument.
 *
 * Returns: (transfer none): the name, valid as long as the command
 *
 * Since: 1.0
 */
const char *
tornadis_command_get_name (TornadisCommand *self)
{
  const char *shared;

  g_return_val_if_fail (self != NULL, NULL);

  shared = command_find_short_name (self);

  return G_LIKELY (shared != NULL) ? shared : command_find_name (self);
}

/**
 * tornadis_command_get_size:
 * @self: a command
 *
 * Gets how many bytes the arguments take on the wire.
 *
 * Returns: the number of bytes
 *
 * Since: 1.0
 */
gsize
tornadis_command_get_size (TornadisCommand *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return tornadis_command_get_wire_size (self);
}

const char *
tornadis_command_get_refusal (TornadisCommand *self)
{
  return self->effect == TORNADIS_COMMAND_REFUSED ? tornadis_command_effect_get_hint (tornadis_command_get_name (self)) : NULL;
}

gboolean
tornadis_command_is_monitor (TornadisCommand *self)
{
  return strcmp (tornadis_command_get_name (self), "MONITOR") == 0;
}
