%% Does the steps of program.ts with the ftp application of Erlang/OTP.

main([]) ->
    %% Reports would stand between what is printed for the test.
    ok = logger:set_primary_config(level, none),
    {ok, _} = application:ensure_all_started(ftp),
    {ok, _} = application:ensure_all_started(ssl),
    [Host, Port, Mode, Tls, Data, User, Password, Certificate] = words(io:get_line("")),
    {ok, Address} = inet:parse_address(Host),
    Family = case tuple_size(Address) of 4 -> inet; 8 -> inet6 end,
    Version = case Tls of "1.2" -> 'tlsv1.2'; "1.3" -> 'tlsv1.3' end,
    Secure = [{verify, verify_peer}, {cacertfile, Certificate}, {versions, [Version]}],
    Options = [{port, list_to_integer(Port)}, {mode, list_to_atom(Data)}, {ipfamily, Family}, {timeout, 60000}]
        ++ case Mode of
               "off" -> [];
               "explicit" -> [{tls, Secure}];
               "implicit" -> [{tls, Secure}, {tls_sec_method, ftps}]
           end,
    {ok, Ftp} = ftp:open(Host, Options),
    ok = ftp:user(Ftp, User, Password),
    ok = ftp:type(Ftp, binary),
    steps(Ftp, io:get_line("")),
    ok = ftp:close(Ftp).

steps(_, eof) -> ok;
steps(Ftp, Line) ->
    [Step | Arguments] = words(Line),
    {Line, ok} = {Line, step(Ftp, Step, Arguments)},
    steps(Ftp, io:get_line("")).

step(Ftp, "put", [Local, Remote]) -> ftp:send(Ftp, Local, Remote);
step(Ftp, "get", [Remote, Local]) -> ftp:recv(Ftp, Remote, Local);
step(Ftp, "list", _) ->
    {ok, Listing} = ftp:nlist(Ftp),
    Names = string:lexemes(lists:flatten(Listing), [$\r, $\n, "\r\n"]),
    io:format("~s~n", [lists:join("\t", ["list" | Names])]);
step(Ftp, "rename", [From, To]) -> ftp:rename(Ftp, From, To);
step(Ftp, "remove", [Name]) -> ftp:delete(Ftp, Name);
step(Ftp, "makeDirectory", [Name]) -> ftp:mkdir(Ftp, Name);
step(Ftp, "removeDirectory", [Name]) -> ftp:rmdir(Ftp, Name).

words(Line) -> string:split(string:trim(Line, trailing, "\n"), "\t", all).
