# ruby bridge.rb SPACE PATH: speaks the protocol of our own tuple space on the Unix socket PATH, and Rinda on the other
# side, whose space is on the Unix socket SPACE. "cancel" and the answers are as there; there are no leases.
require "drb/unix"
require "json"
require "rinda/tuplespace"
require "socket"

class Session
  def initialize(space, socket)
    @space, @socket = space, socket
    @speaking = Mutex.new
    @templates, @cancelled = {}, {}
    @asked = Mutex.new
  end

  def run
    while (line = @socket.gets)
      order = JSON.parse(line)
      case order["do"]
      when "take", "read" then Thread.new(order) { |asked| ask(asked) }
      when "cancel" then cancel(order["id"])
      when "write"
        @space.write(order["tuple"], order["seconds"])
        say("id" => order["id"], "done" => true) if order["id"]
      else raise "do #{order["do"].inspect}"
      end
    end
  ensure
    exit!(0) # its one client is gone, and what it waits for with it
  end

  private

  # A TupleSpaceProxy has the space put the tuple into an array of ours before it forgets it: one that was taken by a
  # process that is gone already stays.
  def ask(order)
    id = order["id"]
    found = @space.public_send(order["do"], order["pattern"], order["seconds"]) { |template| waits(id, template) }
    say("id" => id, "tuple" => found)
  rescue Rinda::RequestExpiredError
    say("id" => id, "ended" => "expired")
  rescue Rinda::RequestCanceledError
    say("id" => id, "ended" => "cancelled")
  ensure
    @asked.synchronize { @templates.delete(id) }
  end

  def waits(id, template)
    @asked.synchronize { @templates[id] = template }
    cancel(id) if @cancelled.delete(id)
  end

  def cancel(id)
    template = @asked.synchronize { @templates[id] || (@cancelled[id] = true) && nil }
    template&.cancel
  end

  def say(answer)
    @speaking.synchronize { @socket.write(answer.to_json, "\n") }
  end
end

trap("TERM") { exit!(0) }
Thread.abort_on_exception = true
path = ARGV.fetch(1)
DRb.start_service("drbunix:#{path}-drb") # the space calls back
space = Rinda::TupleSpaceProxy.new(DRbObject.new_with_uri("drbunix:#{ARGV.fetch(0)}"))
UNIXServer.open(path) { |server| Session.new(space, server.accept).run }
