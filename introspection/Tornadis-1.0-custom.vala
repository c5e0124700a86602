// SPDX-License-Identifier: LGPL-2.1-or-later

// What takes a GStrv, or an error that is const: without its type in C valac has one that is not, of which C compilers
// warn.
namespace Tornadis {
  [Compact]
  public class Command {
    [CCode (has_construct_function = false)]
    public Command.strv ([CCode (array_length = false, array_null_terminated = true, type = "const char* const*")] string[] argv);
  }

  public sealed class Pipeline : GLib.Object {
    public void stack_strv ([CCode (array_length = false, array_null_terminated = true, type = "const char* const*")] string[] argv);
  }

  public abstract class Plugin : GLib.Object {
    public static Tornadis.Plugin new_with_options (string name, [CCode (array_length = false, array_null_terminated = true, type = "const char* const*")] string[]? options) throws GLib.Error;
    [NoWrapper]
    public virtual void observe (Tornadis.Client client, Tornadis.Command? command, Tornadis.Pipeline? pipeline, Tornadis.Reply? reply, [CCode (type = "const GError*")] GLib.Error? error, int64 elapsed);
  }

  public sealed class PubSubClient : Tornadis.Client {
    public async bool subscribe_async ([CCode (array_length = false, array_null_terminated = true, type = "const char* const*")] string[] channels, GLib.Cancellable? cancellable = null) throws GLib.Error;
    public async bool unsubscribe_async ([CCode (array_length = false, array_null_terminated = true, type = "const char* const*")] string[]? channels = null, GLib.Cancellable? cancellable = null) throws GLib.Error;
    public async bool psubscribe_async ([CCode (array_length = false, array_null_terminated = true, type = "const char* const*")] string[] patterns, GLib.Cancellable? cancellable = null) throws GLib.Error;
    public async bool punsubscribe_async ([CCode (array_length = false, array_null_terminated = true, type = "const char* const*")] string[]? patterns = null, GLib.Cancellable? cancellable = null) throws GLib.Error;
    public async bool ssubscribe_async ([CCode (array_length = false, array_null_terminated = true, type = "const char* const*")] string[] channels, GLib.Cancellable? cancellable = null) throws GLib.Error;
    public async bool sunsubscribe_async ([CCode (array_length = false, array_null_terminated = true, type = "const char* const*")] string[]? channels = null, GLib.Cancellable? cancellable = null) throws GLib.Error;
  }
}
