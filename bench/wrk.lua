-- Says the result of a run of wrk in one line of JSON: what wrk prints itself is rounded, and ends at the 99th percentile.
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    "\nresult {\"requests\":%d,\"microseconds\":%d,\"bytes\":%d,\"connect\":%d,\"read\":%d,\"write\":%d,\"status\":%d,"
      .. "\"timeout\":%d,\"p50_us\":%d,\"p99_us\":%d,\"p999_us\":%d,\"max_us\":%d}\n",
    summary.requests, summary.duration, summary.bytes, errors.connect, errors.read, errors.write, errors.status,
    errors.timeout, latency:percentile(50), latency:percentile(99), latency:percentile(99.9), latency.max))
end
